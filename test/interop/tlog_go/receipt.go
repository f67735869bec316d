package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"

	"github.com/transparency-dev/formats/proof"
	"golang.org/x/mod/sumdb/tlog"
)

// opening leads from an event to its entry in the log.
type opening struct {
	Form          string `json:"form"`
	EventID       string `json:"event_id"`
	EventHash     string `json:"event_hash"`
	CorrelationID string `json:"correlation_id"`
	ChainPosition int64  `json:"chain_position"`
	LogSalt       string `json:"log_salt"`
}

// checkReceipt checks that the event of a receipt was in the log when its checkpoint was signed: without asking anybody.
func checkReceipt(file string, keys keys) (opening, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return opening{}, err
	}
	var receipt proof.TLogProof
	if err := receipt.Unmarshal(text); err != nil {
		return opening{}, err
	}
	tree, err := keys.open(receipt.Checkpoint)
	if err != nil {
		return opening{}, err
	}
	var opened opening
	if err := json.Unmarshal(receipt.ExtraData, &opened); err != nil {
		return opening{}, err
	}
	path := make(tlog.RecordProof, len(receipt.Hashes))
	for i, hash := range receipt.Hashes {
		path[i] = hash
	}
	leaf := tlog.RecordHash(entryOf(opened))
	return opened, tlog.CheckRecord(path, tree.N, tree.Hash, int64(receipt.Index), leaf)
}

// entryOf is the entry of an event, as docs/integrity.md defines it.
func entryOf(o opening) []byte {
	entry := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%d\n%s\n", o.Form, o.LogSalt, o.ChainPosition, o.EventHash))
	return entry[:]
}
