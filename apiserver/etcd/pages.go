package etcd

import (
	"encoding/binary"
	"fmt"
	"io"
)

// A page of a bbolt database begins with a head, after which a table lies of what the page holds. Branches hold pages, leaves hold keys
// with values or with buckets, whose value begins with the page that is the bucket's root, or with 0 where the bucket lies in the value:
// https://github.com/etcd-io/bbolt/blob/v1.5.0/internal/common/page.go
const (
	atID        = 0
	atFlags     = 8
	atCount     = 10
	atOverflow  = 12
	headSize    = 16
	elementSize = 16

	branchPage = 1 << 0
	leafPage   = 1 << 1

	atChild     = 8 // in an element of a branch
	atPosition  = 4 // in an element of a leaf, counted from the element
	atKeySize   = 8
	atValueSize = 12
	isBucket    = 1
	bucketSize  = 16
)

// pages walks a database's pages from its root. etcd does so too when it starts, but trusts each of them: on one that is garbled it ends
// the process.
type pages struct {
	database io.ReaderAt
	size     uint64 // of a page
	end      uint64 // one more than the highest page in use
	seen     map[uint64]bool
	due      []uint64
}

// areWhole says that every page that can be reached is what the one that leads to it takes it for. It reads the whole database.
func areWhole(database io.ReaderAt, meta []byte) error {
	p := pages{
		database: database,
		size:     uint64(pageSize(meta)),
		end:      binary.NativeEndian.Uint64(meta[atPages:]),
		seen:     map[uint64]bool{},
		due:      []uint64{binary.NativeEndian.Uint64(meta[atRoot:])},
	}
	var page []byte
	for len(p.due) > 0 {
		id := p.due[len(p.due)-1]
		p.due = p.due[:len(p.due)-1]
		var err error
		if page, err = p.read(id, page); err == nil {
			err = p.follow(page)
		}
		if err != nil {
			return fmt.Errorf("page %d: %w", id, err)
		}
	}
	return nil
}

// read is a page with all that runs over into the next ones, in a buffer that may be used again.
func (p *pages) read(id uint64, buffer []byte) ([]byte, error) {
	if id >= p.end {
		return nil, fmt.Errorf("it lies behind the end, page %d", p.end)
	}
	if p.seen[id] {
		return nil, fmt.Errorf("two others lead to it")
	}
	p.seen[id] = true
	head := make([]byte, headSize)
	if _, err := p.database.ReadAt(head, int64(id*p.size)); err != nil {
		return nil, err
	}
	if own := binary.NativeEndian.Uint64(head[atID:]); own != id {
		return nil, fmt.Errorf("it says of itself that it is page %d", own)
	}
	length := 1 + uint64(binary.NativeEndian.Uint32(head[atOverflow:]))
	if id+length > p.end {
		return nil, fmt.Errorf("it is said to be %d pages long, beyond the end, page %d", length, p.end)
	}
	if need := length * p.size; uint64(cap(buffer)) < need {
		buffer = make([]byte, need)
	}
	buffer = buffer[:length*p.size]
	_, err := p.database.ReadAt(buffer, int64(id*p.size))
	return buffer, err
}

// follow makes the pages due that a page leads to.
func (p *pages) follow(page []byte) error {
	count := uint64(binary.NativeEndian.Uint16(page[atCount:]))
	if headSize+count*elementSize > uint64(len(page)) {
		return fmt.Errorf("it is said to hold %d entries, for which it is too short", count)
	}
	kind := binary.NativeEndian.Uint16(page[atFlags:])
	if kind != branchPage && kind != leafPage {
		return fmt.Errorf("it is neither a branch nor a leaf: its flags are %#x", kind)
	}
	for at := uint64(headSize); at < headSize+count*elementSize; at += elementSize {
		rest := page[at:]
		if kind == branchPage {
			p.due = append(p.due, binary.NativeEndian.Uint64(rest[atChild:]))
			continue
		}
		if err := p.enter(rest); err != nil {
			return err
		}
	}
	return nil
}

// enter makes the root of a bucket due, if a leaf's element is one. The page goes on behind the element.
func (p *pages) enter(element []byte) error {
	value := uint64(binary.NativeEndian.Uint32(element[atPosition:])) + uint64(binary.NativeEndian.Uint32(element[atKeySize:]))
	size := uint64(binary.NativeEndian.Uint32(element[atValueSize:]))
	if value+size > uint64(len(element)) {
		return fmt.Errorf("an entry of it ends behind its own end")
	}
	if binary.NativeEndian.Uint32(element)&isBucket == 0 {
		return nil
	}
	if size < bucketSize {
		return fmt.Errorf("a bucket in it has %d bytes", size)
	}
	if root := binary.NativeEndian.Uint64(element[value:]); root != 0 {
		p.due = append(p.due, root)
	}
	return nil
}
