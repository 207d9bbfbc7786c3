package etcd

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.etcd.io/bbolt"
)

// TestEveryPageThatIsGarbledIsFound spoils the head of one page after the other: it is found of each that is in use.
func TestEveryPageThatIsGarbledIsFound(t *testing.T) {
	whole := writeDatabase(t)
	meta := latestMeta(bytes.NewReader(whole))
	if err := areWhole(bytes.NewReader(whole), meta); err != nil {
		t.Fatalf("a database that nobody touched: %v", err)
	}
	size, branches, leaves := int(pageSize(meta)), 0, 0
	for at := 2 * size; at < len(whole); at += size {
		id := uint64(at / size)
		if binary.NativeEndian.Uint64(whole[at:]) != id {
			continue // free, or what another runs over into
		}
		garbled := bytes.Clone(whole)
		copy(garbled[at:], strings.Repeat("spoiled", size)[:headSize])
		switch err := areWhole(bytes.NewReader(garbled), meta); {
		case err == nil:
		case !strings.HasPrefix(err.Error(), fmt.Sprintf("page %d: it says of itself", id)):
			t.Errorf("with page %d spoiled the error is %v", id, err)
		case binary.NativeEndian.Uint16(whole[at+atFlags:]) == branchPage:
			branches++
		default:
			leaves++
		}
	}
	if branches == 0 || leaves < 10 {
		t.Errorf("%d branches and %d leaves were found, of a database of 2,000 keys", branches, leaves)
	}
}

// TestTheWalkOfAGarbledDatabaseEnds writes at random where pages say what they hold: whatever that is, the walk ends, and does not panic.
func TestTheWalkOfAGarbledDatabaseEnds(t *testing.T) {
	whole := writeDatabase(t)
	meta := latestMeta(bytes.NewReader(whole))
	size := int(pageSize(meta))
	random, found := rand.New(rand.NewPCG(1, 2)), 0
	for range 3000 {
		garbled := bytes.Clone(whole)
		at := (2+random.IntN(len(whole)/size-2))*size + random.IntN(headSize+4*elementSize)
		binary.NativeEndian.PutUint64(garbled[at&^7:], random.Uint64()>>random.IntN(64))
		if areWhole(bytes.NewReader(garbled), meta) != nil {
			found++
		}
	}
	if found < 500 {
		t.Errorf("damage was found in %d of 3,000 databases", found)
	}
}

func TestAGarbledPageIsOneErrorThatNamesTheDirectory(t *testing.T) {
	dir := t.TempDir()
	server := start(t, dir)
	client := connect(t, server)
	for i := range 20 {
		if _, err := client.Put(t.Context(), fmt.Sprintf("planet-%d", i), strings.Repeat("saturn", 2000)); err != nil {
			t.Fatal(err)
		}
	}
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, memberData, "member", "snap", "db")
	database, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = database.Close() }() // its content counts only if the error below is right
	meta := latestMeta(database)
	root := int64(binary.NativeEndian.Uint64(meta[atRoot:])) * int64(pageSize(meta))
	if _, err := database.WriteAt([]byte("spoiled"), root+atFlags); err != nil {
		t.Fatal(err)
	}

	_, err = Start(t.Context(), Options{Dir: dir, Ephemeral: true})
	var damaged *DamagedError
	if !errors.As(err, &damaged) || damaged.Dir != dir || !strings.Contains(err.Error(), "is garbled: page ") {
		t.Errorf("got error %v, want a DamagedError for %s which names the page", err, dir)
	}
}

// writeDatabase is a database with buckets of each form: none in a page of its own, many keys, values longer than a page.
func writeDatabase(t *testing.T) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "db")
	database, err := bbolt.Open(path, 0o600, &bbolt.Options{NoFreelistSync: true, NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	err = database.Update(func(tx *bbolt.Tx) error {
		for bucket, n := range map[string]int{"none": 0, "few": 3, "many": 2000} {
			b, err := tx.CreateBucket([]byte(bucket))
			if err != nil {
				return err
			}
			for i := range n {
				if err := b.Put(fmt.Appendf(nil, "planet-%04d", i), bytes.Repeat([]byte("saturn"), 1+i%50/49*1500)); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err := errors.Join(err, database.Close()); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}
