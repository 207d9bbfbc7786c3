package scaffold

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/orrery-dev/orrery/internal/version"
	"github.com/orrery-dev/orrery/scaffold/tree"
)

// recordFile is where a project keeps what commands have written into it: so whoever has the project can tell what was edited since,
// and merge what another version writes, without the program of the version that wrote it.
const recordFile = ".orrery/scaffolded.json.gz"

// record is what commands have written into a project, word for word.
type record struct {
	// Version is that of the program which wrote it.
	Version string `json:"version"`
	// Files are as they were written, all kinds together.
	Files tree.Tree `json:"files"`
}

// readRecord reads that of the project in a folder; nil is that there is none.
func readRecord(folder string) (*record, error) {
	packed, err := os.ReadFile(filepath.Join(folder, recordFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading what was scaffolded: %w", err)
	}
	reader, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", recordFile, err)
	}
	var r record
	if err := json.NewDecoder(reader).Decode(&r); err != nil {
		return nil, fmt.Errorf("reading %s: %w", recordFile, err)
	}
	return &r, nil
}

// write writes it into the project in a folder. The same record is the same file, whenever it is written.
func (r record) write(folder string) error {
	var packed bytes.Buffer
	writer := gzip.NewWriter(&packed)
	if err := errors.Join(json.NewEncoder(writer).Encode(r), writer.Close()); err != nil {
		return fmt.Errorf("packing what was scaffolded: %w", err)
	}
	err := tree.Tree{recordFile: {Content: packed.String(), Mode: 0o644}}.Write(folder)
	if err != nil {
		return fmt.Errorf("recording what was scaffolded: %w", err)
	}
	return nil
}

// remember brings the record of the project in the working directory up to what a command has done to it; it was in a folder before.
// A project that has no record does not get one by this, unless it is new: what was written before is not known.
func remember(folder string) error {
	r, err := readRecord(".")
	if err != nil {
		return err
	}
	_, err = os.Stat(filepath.Join(folder, "PROJECT"))
	isNew := errors.Is(err, fs.ErrNotExist)
	if r == nil && !isNew {
		return nil
	}
	was, err := scaffolded(folder)
	if err != nil {
		return fmt.Errorf("computing what was scaffolded before: %w", err)
	}
	is, err := scaffolded(".")
	if err != nil {
		return fmt.Errorf("computing what was scaffolded: %w", err)
	}
	if r == nil {
		r = &record{Version: version.Get().Version, Files: tree.Tree{}}
	}
	if err := r.advance(was, is); err != nil {
		return err
	}
	return r.write(".")
}

// advance makes those changes in the record that turn what this version wrote before into what it writes now. What an older version
// wrote otherwise stays as that wrote it, and so do the files in the project.
func (r *record) advance(was, is tree.Tree) error {
	for _, change := range tree.Compare(was, is) {
		recorded, known := r.Files[change.Path]
		switch {
		case change.After == nil:
			delete(r.Files, change.Path)
		case !known || change.Before == nil || recorded == *change.Before:
			r.Files[change.Path] = *change.After
		default:
			merged, conflicts, err := tree.Merge(recorded.Content, change.Before.Content, change.After.Content, tree.Labels{})
			if err != nil {
				return fmt.Errorf("recording the change of %s: %w", change.Path, err)
			}
			if conflicts {
				merged = change.After.Content
			}
			r.Files[change.Path] = tree.File{Content: merged, Mode: change.After.Mode}
		}
	}
	return nil
}
