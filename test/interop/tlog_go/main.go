// Checks a running log from outside, with libraries of others: its checkpoint and cosignature, every entry that it covers,
// that the log of an earlier checkpoint is its beginning, and a receipt. What it knows of DataStorage itself is how an entry is
// made from an event (entryOf); all else is C2SP's. Prints a line for each thing that holds; ends with 1 at the first that does not.
package main

import (
	"flag"
	"fmt"
	"log"
	"os"

	f_log "github.com/transparency-dev/formats/log"
	f_note "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

var (
	url         = flag.String("url", "", "prefix of the log, such as http://127.0.0.1:8080")
	logKey      = flag.String("log-key", "", "verifier key of the log")
	cosignerKey = flag.String("cosigner-key", "", "verifier key of the log's cosigner")
	earlier     = flag.String("earlier", "", "file with an earlier checkpoint")
	receipt     = flag.String("receipt", "", "file with the receipt of an event")
)

func main() {
	log.SetFlags(0)
	flag.Parse()
	keys, err := readKeys(*logKey, *cosignerKey)
	must(err)

	text, err := get(*url + "/checkpoint")
	must(err)
	tree, err := keys.open(text)
	must(err)
	fmt.Printf("checkpoint: %d entries, signed and cosigned\n", tree.N)

	tiles := tlog.TileHashReader(tree, &tiles{url: *url})
	entries, err := checkEntries(*url, tree, tiles)
	must(err)
	fmt.Printf("entries: %d, each included\n", entries)

	if *earlier != "" {
		old, err := keys.openFile(*earlier)
		must(err)
		proof, err := tlog.ProveTree(tree.N, old.N, tiles)
		must(err)
		must(tlog.CheckTree(proof, tree.N, tree.Hash, old.N, old.Hash))
		fmt.Printf("consistency: %d entries are the beginning of %d\n", old.N, tree.N)
	}
	if *receipt != "" {
		opening, err := checkReceipt(*receipt, keys)
		must(err)
		fmt.Printf("receipt: %s at place %d of %s\n", opening.EventID, opening.ChainPosition, opening.CorrelationID)
	}
}

// keys are the public keys that a checkpoint must be signed with.
type keys struct {
	log, cosigner note.Verifier
}

func readKeys(logKey, cosignerKey string) (keys, error) {
	logVerifier, err := note.NewVerifier(logKey)
	if err != nil {
		return keys{}, fmt.Errorf("log key: %w", err)
	}
	cosigner, err := f_note.NewVerifierForCosignatureV1(cosignerKey)
	if err != nil {
		return keys{}, fmt.Errorf("cosigner key: %w", err)
	}
	return keys{logVerifier, cosigner}, nil
}

// open reads a checkpoint that both keys have signed.
func (k keys) open(text []byte) (tlog.Tree, error) {
	checkpoint, _, signed, err := f_log.ParseCheckpoint(text, k.log.Name(), k.log, k.cosigner)
	if err != nil {
		return tlog.Tree{}, err
	}
	if len(signed.Sigs) != 2 {
		return tlog.Tree{}, fmt.Errorf("%d signatures of known keys on the checkpoint, not 2", len(signed.Sigs))
	}
	return tlog.Tree{N: int64(checkpoint.Size), Hash: tlog.Hash(checkpoint.Hash)}, nil
}

func (k keys) openFile(name string) (tlog.Tree, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return tlog.Tree{}, err
	}
	return k.open(text)
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
