# The service, without the servers that it can bring along elsewhere: it needs DATABASE_URL. docs/deployment.md has the rest.

FROM node:26.10.0-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# Optional are the programs of the embedded PostgreSQL; an install script brings a Node, which the image has already.
RUN npm ci --omit=dev --omit=optional --ignore-scripts

FROM node:26.10.0-slim
WORKDIR /app
# To serve other machines it takes a certificate and key, or the explicit DATASTORAGE_ALLOW_PLAINTEXT=true: neither is chosen here.
ENV NODE_ENV=production \
    DATASTORAGE_ADDRESS=0.0.0.0:8080 \
    DATASTORAGE_METRICS_ADDRESS=0.0.0.0:9090
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json ./
COPY migrations ./migrations
COPY gen/ts ./gen/ts
COPY scripts/health.ts ./scripts/
COPY src ./src
USER 65532:65532
EXPOSE 8080 9090
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["node", "scripts/health.ts"]
ENTRYPOINT ["node", "src/cli/main.ts"]
CMD ["serve"]
