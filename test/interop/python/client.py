"""Records a file of events, streams it, lists it back and has a request refused, by a client that knows nothing of the
service but its contract. Prints what it saw as one JSON object."""

import json
import sys

import grpc
from google.protobuf import json_format
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from kubernaut.audit.v1 import audit_event_pb2, audit_service_pb2, audit_service_pb2_grpc

BATCH_SIZE = 7
PAGE_SIZE = 10
TIME_LIMIT = 30


def main(address, file):
    with open(file, encoding="utf-8") as lines:
        events = [json_format.Parse(line, audit_event_pb2.AuditEvent()) for line in lines]
    with grpc.insecure_channel(address) as channel:
        stub = audit_service_pb2_grpc.AuditServiceStub(channel)
        report = {
            "recorded": record(stub, events[: len(events) // 2]),
            "streamed": stream(stub, events),
            "listed": list_back(stub, events),
            "rejected": reject(stub),
            "refused": refuse(stub),
        }
    json.dump(report, sys.stdout)


def record(stub, events):
    """Sends events in one call, compressed, their payloads as Struct, and gives the outcome of each."""
    request = audit_service_pb2.RecordEventsRequest(events=events)
    answer = stub.RecordEvents(request, timeout=TIME_LIMIT, compression=grpc.Compression.Gzip)
    return [audit_service_pb2.RecordOutcome.Name(result.outcome) for result in answer.results]


def stream(stub, events):
    """Sends events in batches, their payloads as JSON, without waiting for the answers, and gives these."""
    return [
        {
            "batch_number": answer.batch_number,
            "status": answer.status.code,
            "recorded": answer.recorded,
            "duplicates": answer.duplicates,
        }
        for answer in stub.IngestEvents(batches(events), timeout=TIME_LIMIT)
    ]


def batches(events):
    for number, start in enumerate(range(0, len(events), BATCH_SIZE), start=1):
        batch = audit_service_pb2.IngestEventsRequest(batch_number=number)
        for event in events[start : start + BATCH_SIZE]:
            payload = json_format.MessageToDict(event.event_data)
            added = batch.events.add()
            added.CopyFrom(event)
            added.event_data_json = json.dumps(payload).encode()
        yield batch


def list_back(stub, events):
    """Reads the remediations of the events, each in the order of its chain, page by page."""
    listed = []
    for correlation_id in dict.fromkeys(event.correlation_id for event in events):
        request = audit_service_pb2.ListEventsRequest(order_by="chain_position", page_size=PAGE_SIZE)
        request.filter.correlation_id = correlation_id
        while True:
            page = stub.ListEvents(request, timeout=TIME_LIMIT)
            listed += [json_format.MessageToDict(event, preserving_proto_field_name=True) for event in page.events]
            request.page_token = page.next_page_token
            if not request.page_token:
                break
    return listed


def reject(stub):
    """Sends an event that breaks rules and gives the violations in its result."""
    bad = audit_event_pb2.AuditEvent(event_type="NOT OK", event_outcome=audit_event_pb2.EVENT_OUTCOME_SUCCESS)
    answer = stub.RecordEvents(audit_service_pb2.RecordEventsRequest(events=[bad]), timeout=TIME_LIMIT)
    return violations(answer.results[0].violations)


def refuse(stub):
    """Sends a batch without events and gives what the details of the error say."""
    try:
        stub.RecordEvents(audit_service_pb2.RecordEventsRequest(), timeout=TIME_LIMIT)
    except grpc.RpcError as error:
        seen = {"code": error.code().name}
        for detail in rpc_status.from_call(error).details:
            bad_request, error_info = error_details_pb2.BadRequest(), error_details_pb2.ErrorInfo()
            if detail.Unpack(bad_request):
                seen["violations"] = violations(bad_request.field_violations)
            elif detail.Unpack(error_info):
                seen["reason"] = error_info.reason
        return seen
    raise AssertionError("an empty batch was not refused")


def violations(found):
    return [{"field": each.field, "description": each.description} for each in found]


if __name__ == "__main__":
    main(*sys.argv[1:])
