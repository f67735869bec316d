// Records a file of events, streams it, lists it back and has a request refused, by a client that knows nothing of the
// service but its contract. Prints what it saw as one JSON object.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"

	auditv1 "kubernaut.ai/datastorage/gen/go/kubernaut/audit/v1"
)

const (
	batchSize = 7
	pageSize  = 10
	timeLimit = 30 * time.Second
)

type violation struct {
	Field       string `json:"field"`
	Description string `json:"description"`
}

type batchAnswer struct {
	BatchNumber int64 `json:"batch_number"`
	Status      int32 `json:"status"`
	Recorded    int32 `json:"recorded"`
	Duplicates  int32 `json:"duplicates"`
}

type refusal struct {
	Code       string      `json:"code"`
	Reason     string      `json:"reason"`
	Violations []violation `json:"violations"`
}

type report struct {
	Recorded []string          `json:"recorded"`
	Streamed []batchAnswer     `json:"streamed"`
	Listed   []json.RawMessage `json:"listed"`
	Rejected []violation       `json:"rejected"`
	Refused  refusal           `json:"refused"`
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: client ADDRESS FILE")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(address, file string) error {
	events, err := read(file)
	if err != nil {
		return err
	}
	connection, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer connection.Close()
	ctx, cancel := context.WithTimeout(context.Background(), timeLimit)
	defer cancel()
	client := auditv1.NewAuditServiceClient(connection)

	var seen report
	if seen.Recorded, err = record(ctx, client, events[:len(events)/2]); err != nil {
		return err
	}
	if seen.Streamed, err = stream(ctx, client, events); err != nil {
		return err
	}
	if seen.Listed, err = list(ctx, client, events); err != nil {
		return err
	}
	if seen.Rejected, err = reject(ctx, client); err != nil {
		return err
	}
	if seen.Refused, err = refuse(ctx, client); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(seen)
}

func read(file string) ([]*auditv1.AuditEvent, error) {
	lines, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer lines.Close()
	var events []*auditv1.AuditEvent
	scanner := bufio.NewScanner(lines)
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		event := &auditv1.AuditEvent{}
		if err := protojson.Unmarshal(scanner.Bytes(), event); err != nil {
			return nil, err
		}
		events = append(events, event)
	}
	return events, scanner.Err()
}

// record sends events in one call, compressed, their payloads as Struct, and gives the outcome of each.
func record(ctx context.Context, client auditv1.AuditServiceClient, events []*auditv1.AuditEvent) ([]string, error) {
	answer, err := client.RecordEvents(ctx, &auditv1.RecordEventsRequest{Events: events}, grpc.UseCompressor(gzip.Name))
	if err != nil {
		return nil, err
	}
	var outcomes []string
	for _, result := range answer.GetResults() {
		outcomes = append(outcomes, result.GetOutcome().String())
	}
	return outcomes, nil
}

// stream sends events in batches, their payloads as JSON, without waiting for the answers, and gives these.
func stream(ctx context.Context, client auditv1.AuditServiceClient, events []*auditv1.AuditEvent) ([]batchAnswer, error) {
	batches, err := client.IngestEvents(ctx)
	if err != nil {
		return nil, err
	}
	sent := make(chan error, 1)
	go func() { sent <- send(batches, events) }()
	var answers []batchAnswer
	for {
		answer, err := batches.Recv()
		if errors.Is(err, io.EOF) {
			return answers, <-sent
		}
		if err != nil {
			return nil, err
		}
		answers = append(answers, batchAnswer{
			BatchNumber: answer.GetBatchNumber(),
			Status:      answer.GetStatus().GetCode(),
			Recorded:    answer.GetRecorded(),
			Duplicates:  answer.GetDuplicates(),
		})
	}
}

func send(batches auditv1.AuditService_IngestEventsClient, events []*auditv1.AuditEvent) error {
	for number := int64(1); len(events) > 0; number++ {
		size := min(batchSize, len(events))
		batch := &auditv1.IngestEventsRequest{BatchNumber: number}
		for _, event := range events[:size] {
			payload, err := json.Marshal(event.GetEventData().AsMap())
			if err != nil {
				return err
			}
			event.Payload = &auditv1.AuditEvent_EventDataJson{EventDataJson: payload}
			batch.Events = append(batch.Events, event)
		}
		if err := batches.Send(batch); err != nil {
			return err
		}
		events = events[size:]
	}
	return batches.CloseSend()
}

// list reads the remediations of the events, each in the order of its chain, page by page.
func list(ctx context.Context, client auditv1.AuditServiceClient, events []*auditv1.AuditEvent) ([]json.RawMessage, error) {
	var listed []json.RawMessage
	names := protojson.MarshalOptions{UseProtoNames: true}
	known := map[string]bool{}
	for _, event := range events {
		if known[event.GetCorrelationId()] {
			continue
		}
		known[event.GetCorrelationId()] = true
		request := &auditv1.ListEventsRequest{
			Filter:   &auditv1.EventFilter{CorrelationId: event.GetCorrelationId()},
			OrderBy:  "chain_position",
			PageSize: pageSize,
		}
		for {
			page, err := client.ListEvents(ctx, request)
			if err != nil {
				return nil, err
			}
			for _, found := range page.GetEvents() {
				text, err := names.Marshal(found)
				if err != nil {
					return nil, err
				}
				listed = append(listed, text)
			}
			if request.PageToken = page.GetNextPageToken(); request.PageToken == "" {
				break
			}
		}
	}
	return listed, nil
}

// reject sends an event that breaks rules and gives the violations in its result.
func reject(ctx context.Context, client auditv1.AuditServiceClient) ([]violation, error) {
	bad := &auditv1.AuditEvent{EventType: "NOT OK", EventOutcome: auditv1.EventOutcome_EVENT_OUTCOME_SUCCESS}
	answer, err := client.RecordEvents(ctx, &auditv1.RecordEventsRequest{Events: []*auditv1.AuditEvent{bad}})
	if err != nil {
		return nil, err
	}
	return violations(answer.GetResults()[0].GetViolations()), nil
}

// refuse sends a batch without events and gives what the details of the error say.
func refuse(ctx context.Context, client auditv1.AuditServiceClient) (refusal, error) {
	_, err := client.RecordEvents(ctx, &auditv1.RecordEventsRequest{})
	refused, ok := status.FromError(err)
	if err == nil || !ok {
		return refusal{}, fmt.Errorf("an empty batch was not refused: %w", err)
	}
	seen := refusal{Code: refused.Code().String()}
	for _, detail := range refused.Details() {
		switch detail := detail.(type) {
		case *errdetails.BadRequest:
			seen.Violations = violations(detail.GetFieldViolations())
		case *errdetails.ErrorInfo:
			seen.Reason = detail.GetReason()
		}
	}
	return seen, nil
}

func violations(found []*errdetails.BadRequest_FieldViolation) []violation {
	var list []violation
	for _, each := range found {
		list = append(list, violation{Field: each.GetField(), Description: each.GetDescription()})
	}
	return list
}
