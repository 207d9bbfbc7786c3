package logs

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const (
	// timestampFormat names a rotated log by when it was rotated; the kubelet's.
	timestampFormat = "20060102-150405"
	compressSuffix  = ".gz"
	unfinished      = ".tmp"
)

// rotate has the runtime write to another file, if the container runs.
func (m *Manager) rotate(ctx context.Context, log string, instance int) error {
	id, err := m.running(ctx, log, instance)
	if err != nil || id == "" {
		return err
	}
	if err := m.tidy(log); err != nil {
		return fmt.Errorf("tidying up the rotated logs of %s: %w", log, err)
	}
	rotated := log + "." + m.Clock.Now().Format(timestampFormat)
	if _, err := os.Lstat(rotated); err == nil {
		return nil // it was rotated this very second
	}
	if err := os.Rename(log, rotated); err != nil {
		return fmt.Errorf("rotating a log: %w", err)
	}
	if err := m.Runtime.ReopenContainerLog(ctx, id); err != nil {
		return errors.Join(fmt.Errorf("opening log %s anew: %w", log, err), giveBack(rotated, log))
	}
	return nil
}

// giveBack names a log again as it was, unless there is another one by now.
func giveBack(rotated, log string) error {
	if _, err := os.Lstat(log); err == nil {
		return nil
	}
	return os.Rename(rotated, log)
}

// tidy leaves room for one more rotated log beside the current one, and compresses those that are not.
func (m *Manager) tidy(log string) error {
	rotated, err := rotatedLogs(log)
	if err != nil {
		return err
	}
	for len(rotated) > m.maxFiles()-2 {
		if err := ignoreMissing(os.Remove(rotated[0])); err != nil {
			return err
		}
		rotated = rotated[1:]
	}
	for _, name := range rotated {
		if strings.HasSuffix(name, compressSuffix) {
			continue
		}
		if err := compress(name); err != nil {
			return err
		}
	}
	return nil
}

// rotatedLogs are those of a log from the oldest to the newest. What an attempt has left that was cut short is removed: a file that is
// half compressed, and one that has been compressed.
func rotatedLogs(log string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Dir(log))
	if err != nil {
		return nil, err
	}
	var found []string
	for _, entry := range entries { // sorted by name, and so by time
		if strings.HasPrefix(entry.Name(), filepath.Base(log)+".") {
			found = append(found, filepath.Join(filepath.Dir(log), entry.Name()))
		}
	}
	var kept []string
	for _, name := range found {
		if !strings.HasSuffix(name, unfinished) && !slices.Contains(found, name+compressSuffix) {
			kept = append(kept, name)
			continue
		}
		if err := ignoreMissing(os.Remove(name)); err != nil {
			return nil, err
		}
	}
	return kept, nil
}

// compress puts a compressed file into the place of a rotated log.
func compress(name string) (err error) {
	plain, err := os.Open(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, plain.Close()) }()
	info, err := plain.Stat()
	if err != nil {
		return err
	}
	if err := write(name+unfinished, info.Mode(), plain); err != nil {
		return err
	}
	if err := os.Rename(name+unfinished, name+compressSuffix); err != nil {
		return err
	}
	return os.Remove(name)
}

func write(name string, mode os.FileMode, content io.Reader) (err error) {
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode.Perm())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	packed := gzip.NewWriter(file)
	if _, err := io.Copy(packed, content); err != nil {
		return err
	}
	return packed.Close()
}
