package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// tileHeight is that of every tile of C2SP tlog-tiles: 2^8 hashes.
const tileHeight = 8

// tiles fetches tiles over HTTP. It trusts nobody: tlog.TileHashReader holds each against the checkpoint before it is saved.
type tiles struct {
	url   string
	saved map[tlog.Tile][]byte
}

func (t *tiles) Height() int { return tileHeight }

func (t *tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	found := make([][]byte, len(wanted))
	for i, tile := range wanted {
		data, ok := t.saved[tile]
		if !ok {
			var err error
			if data, err = get(t.url + "/" + pathOf(tile)); err != nil {
				return nil, err
			}
		}
		found[i] = data
	}
	return found, nil
}

func (t *tiles) SaveTiles(checked []tlog.Tile, data [][]byte) {
	if t.saved == nil {
		t.saved = make(map[tlog.Tile][]byte)
	}
	for i, tile := range checked {
		t.saved[tile] = data[i]
	}
}

// pathOf is where tlog-tiles has a tile: as the checksum database has it, but for the height, which is always 8, and the name
// of what lies below level 0.
func pathOf(tile tlog.Tile) string {
	path := strings.Replace(tile.Path(), fmt.Sprintf("tile/%d/", tileHeight), "tile/", 1)
	return strings.Replace(path, "tile/data/", "tile/entries/", 1)
}

// checkEntries fetches every entry of a tree and checks that it is included.
func checkEntries(url string, tree tlog.Tree, hashes tlog.HashReader) (int64, error) {
	var place int64
	for place < tree.N {
		width := min(tree.N-place, 1<<tileHeight)
		bundle, err := get(url + "/" + pathOf(tlog.Tile{H: tileHeight, L: -1, N: place >> tileHeight, W: int(width)}))
		if err != nil {
			return place, err
		}
		entries, err := unpack(bundle)
		if err != nil || int64(len(entries)) != width {
			return place, fmt.Errorf("bundle at %d: %d entries, not %d: %v", place, len(entries), width, err)
		}
		for _, entry := range entries {
			proof, err := tlog.ProveRecord(tree.N, place, hashes)
			if err == nil {
				err = tlog.CheckRecord(proof, tree.N, tree.Hash, place, tlog.RecordHash(entry))
			}
			if err != nil {
				return place, fmt.Errorf("entry %d: %w", place, err)
			}
			place++
		}
	}
	return place, nil
}

// unpack takes a bundle of entries apart: each stands behind its length.
func unpack(bundle []byte) ([][]byte, error) {
	var entries [][]byte
	for len(bundle) > 0 {
		if len(bundle) < 2 || len(bundle)-2 < int(binary.BigEndian.Uint16(bundle)) {
			return nil, fmt.Errorf("cut off")
		}
		end := 2 + int(binary.BigEndian.Uint16(bundle))
		entries = append(entries, bundle[2:end])
		bundle = bundle[end:]
	}
	return entries, nil
}

func get(url string) ([]byte, error) {
	response, err := http.Get(url)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", url, response.Status)
	}
	return io.ReadAll(response.Body)
}
