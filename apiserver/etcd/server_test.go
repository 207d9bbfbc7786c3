package etcd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

func start(t *testing.T, dir string) *Server {
	t.Helper()
	server, err := Start(t.Context(), Options{Dir: dir, Ephemeral: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	return server
}

func connect(t *testing.T, server *Server) *clientv3.Client {
	t.Helper()
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{server.Endpoint()}, DialTimeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func TestKeepsWhatWasWrittenOverARestart(t *testing.T) {
	dir := t.TempDir()
	first := start(t, dir)
	client := connect(t, first)
	for range 300 { // more than it keeps in memory
		if _, err := client.Put(t.Context(), "planet", "saturn"); err != nil {
			t.Fatal(err)
		}
	}
	if err := first.Stop(); err != nil {
		t.Fatal(err)
	}
	got, err := connect(t, start(t, dir)).Get(t.Context(), "planet")
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Kvs) != 1 || string(got.Kvs[0].Value) != "saturn" {
		t.Errorf("after a restart the key reads %v, want saturn", got.Kvs)
	}
}

func TestRunsWhereThePathIsTooLongForASocket(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("d", 120))
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	server := start(t, dir)
	socket := strings.TrimPrefix(server.Endpoint(), "unix://")
	if _, err := connect(t, server).Put(t.Context(), "planet", "saturn"); err != nil {
		t.Fatal(err)
	}
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Dir(socket)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket's directory %s is left behind: %v", filepath.Dir(socket), err)
	}
}

func TestDamagedDataIsOneErrorThatNamesTheDirectory(t *testing.T) {
	const database, log = "member-data/member/snap/db", "member-data/member/wal/*.wal"
	spoil := func(file string) error { return os.WriteFile(file, []byte(strings.Repeat("spoiled", 5000)), 0o600) }
	for name, c := range map[string]struct {
		file   string
		damage func(string) error
	}{
		"a spoiled database":                {database, spoil},
		"a spoiled write-ahead log":         {log, spoil},
		"a database that was cut off":       {database, func(file string) error { return os.Truncate(file, 20_000) }},
		"a write-ahead log that is missing": {log, os.Remove},
		"an empty write-ahead log":          {log, func(file string) error { return os.Truncate(file, 0) }},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			server := start(t, dir)
			client := connect(t, server)
			for i := range 20 { // so that the database is longer than at first
				if _, err := client.Put(t.Context(), fmt.Sprintf("planet-%d", i), strings.Repeat("saturn", 2000)); err != nil {
					t.Fatal(err)
				}
			}
			if err := server.Stop(); err != nil {
				t.Fatal(err)
			}
			files, err := filepath.Glob(filepath.Join(dir, c.file))
			if err != nil || len(files) == 0 {
				t.Fatalf("looking for %s: %v, %v", c.file, files, err)
			}
			if err := c.damage(files[0]); err != nil {
				t.Fatal(err)
			}

			_, err = Start(t.Context(), Options{Dir: dir, Ephemeral: true})
			var damaged *DamagedError
			if !errors.As(err, &damaged) || damaged.Dir != dir {
				t.Errorf("got error %v, want a DamagedError for %s", err, dir)
			}
		})
	}
}

func TestAFullDiskIsNotCalledDamage(t *testing.T) {
	f := newFault("/data")
	written := make(chan struct{})
	go func() { // which OnWrite ends
		defer close(written)
		f.OnWrite(&zapcore.CheckedEntry{}, []zapcore.Field{zap.Error(&os.PathError{Op: "write", Path: "/data/db", Err: syscall.ENOSPC})})
	}()
	<-written
	var full *FullError
	if err := f.err(); !errors.As(err, &full) || !strings.Contains(err.Error(), "the disk of /data is full") || strings.Contains(err.Error(), "damaged") {
		t.Errorf("the error is %v, want a FullError that names the directory", err)
	}
}

func TestStopReturnsWhenTheMemberIsNotReady(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("told to stop"))
	done := make(chan error)
	go func() {
		server, err := Start(ctx, Options{Dir: t.TempDir(), Ephemeral: true})
		if err == nil {
			err = server.Stop() // it was quicker than the cancelled context was noticed
		}
		done <- err
	}()
	select {
	case err := <-done:
		if err != nil && !strings.Contains(err.Error(), "told to stop") {
			t.Errorf("got error %v, want the reason of the cancellation", err)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("starting with a cancelled context has not returned after 30 s")
	}
}

func TestASecondOwnerIsToldWhoHoldsTheDirectory(t *testing.T) {
	dir := t.TempDir()
	lock, err := Acquire(dir)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Acquire(dir)
	var inUse *InUseError
	if !errors.As(err, &inUse) || inUse.Dir != dir || inUse.Owner != fmt.Sprintf("process %d", os.Getpid()) {
		t.Errorf("got error %v, want an InUseError for %s that names process %d", err, dir, os.Getpid())
	}
	if err := lock.Release(); err != nil {
		t.Fatal(err)
	}
	again, err := Acquire(dir)
	if err != nil {
		t.Fatalf("after the release: %v", err)
	}
	if err := again.Release(); err != nil {
		t.Error(err)
	}
}

func TestADirectoryThatCannotBeMadeIsOneErrorThatNamesIt(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(file, "data")
	if _, err := Acquire(dir); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("got error %v, want one that names %s", err, dir)
	}
}
