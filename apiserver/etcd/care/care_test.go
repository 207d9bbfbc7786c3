package care

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/concurrency"

	"github.com/orrery-dev/orrery/apiserver/etcd"
	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/internal/await"
)

var now = time.Date(2026, time.May, 1, 12, 0, 0, 0, time.UTC)

const mib = 1 << 20

func TestPlan(t *testing.T) {
	member := func(size, inUse, quota int64) Member {
		return Member{Endpoint: "one", Size: size * mib, InUse: inUse * mib, Quota: quota * mib}
	}
	second := member(1000, 100, 8192)
	second.Endpoint = "two"
	for _, c := range []struct {
		name  string
		world observed
		want  string // without the last line
	}{
		{"leaves alone what is well filled", observed{World: World{Members: []Member{member(1000, 800, 8192)}}}, "nothing to do: each member has room, and is not mostly holes"},
		{"leaves alone what is small", observed{World: World{Members: []Member{member(100, 1, 8192)}}}, "nothing to do: each member has room, and is not mostly holes"},
		{"has a file written anew that is mostly holes", observed{World: World{Members: []Member{member(1000, 400, 8192)}}},
			"defragment etcd at one: of the 1000 MiB of its file 400 MiB are in use, and its quota is 8.0 GiB"},
		{"but not again within the hour", observed{World: World{Members: []Member{member(1000, 400, 8192)}}, defragmented: now.Add(-time.Minute)},
			"nothing to do: each member has room, and is not mostly holes"},
		{"unless the quota is near", observed{World: World{Members: []Member{member(7000, 6000, 8192)}}, defragmented: now.Add(-time.Minute)},
			"defragment etcd at one: of the 6.8 GiB of its file 5.9 GiB are in use, and its quota is 8.0 GiB"},
		{"one member after another", observed{World: World{Members: []Member{member(1000, 400, 8192), second}}},
			"defragment etcd at one: of the 1000 MiB of its file 400 MiB are in use, and its quota is 8.0 GiB"},
		{"takes the alarm back when there is room", observed{World: World{Members: []Member{member(3000, 2900, 8192)}, Full: 1}},
			"take back etcd's alarm NOSPACE: there is room again"},
		{"but makes room first", observed{World: World{Members: []Member{member(8192, 2900, 8192)}, Full: 1}},
			"defragment etcd at one: of the 8.0 GiB of its file 2.8 GiB are in use, and its quota is 8.0 GiB"},
		{"takes none back while it is full of what is in use", observed{World: World{Members: []Member{member(8192, 8000, 8192)}, Full: 1}},
			"nothing to do: etcd is full and takes no more writes, but for deletions: 7.8 GiB of 8.0 GiB are in use: delete what is not needed " +
				"('orrery kubectl get events -A' shows what there often is most of), or start with a larger --etcd-quota-backend-bytes"},
		{"says so before", observed{World: World{Members: []Member{member(7000, 6900, 8192)}}},
			"nothing to do: etcd is nearly full: 6.7 GiB of 8.0 GiB are in use, and then it takes no more writes: delete what is not needed, " +
				"or start with a larger --etcd-quota-backend-bytes"},
		{"takes back nothing that speaks of damage", observed{World: World{Members: []Member{member(1000, 800, 8192)}, Full: 1, Corrupt: 1}},
			"nothing to do: etcd has found its members to differ (alarm CORRUPT): stop, and restore the newest snapshot with 'orrery snapshot restore'"},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := c.want + "\nlook again in 1m0s: the store may have grown"
			if got := New(nil).Plan(engine.One{}, c.world, now).String(); got != want {
				t.Errorf("the plan is\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// A store that was filled to its quota takes writes again after something was deleted, without anybody's help.
func TestAFullStoreRecovers(t *testing.T) {
	client := store(t, 16*mib)
	e := engine.New(New(client), engine.Options[engine.One]{Name: "care"})
	pass := func() {
		t.Helper()
		if err := e.Pass(t.Context(), engine.One{}).Err; err != nil {
			t.Fatal(err)
		}
	}
	problem := func() string {
		t.Helper()
		w, err := Look(t.Context(), client)
		if err != nil {
			t.Fatal(err)
		}
		if problem := w.Problem(); problem != nil {
			return problem.Error()
		}
		return ""
	}
	pass()
	if said := problem(); said != "" {
		t.Errorf("the problem of an empty store is %q", said)
	}

	value := strings.Repeat("x", mib)
	var err error
	for err == nil {
		_, err = client.Put(t.Context(), "filler/"+time.Now().String(), value)
	}
	if !errors.Is(err, rpctypes.ErrNoSpace) {
		t.Fatalf("filling the store ended with %v", err)
	}
	pass()
	if said := problem(); !strings.Contains(said, "etcd is full and takes no more writes") {
		t.Errorf("the problem of a full store is %q", said)
	}
	if _, err := client.Put(t.Context(), "more", value); !errors.Is(err, rpctypes.ErrNoSpace) {
		t.Errorf("writing to a full store gives %v", err)
	}

	deleted, err := client.Delete(t.Context(), "filler/", clientv3.WithPrefix())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Compact(t.Context(), deleted.Header.Revision, clientv3.WithCompactPhysical()); err != nil {
		t.Fatal(err)
	}
	// How much is in use is told a moment after it has changed; then room is made, and the alarm taken back.
	await.Success(t, "a store with room again takes writes", func() error {
		pass()
		_, err := client.Put(t.Context(), "more", value)
		return err
	})
	if said := problem(); said != "" {
		t.Errorf("the problem of a store with room again is %q", said)
	}
}

// Whoever looks after another member of the same etcd waits.
func TestMembersAreDefragmentedOneAfterAnother(t *testing.T) {
	client := store(t, 0)
	step := defragment{Member{Endpoint: client.Endpoints()[0]}}
	session, err := concurrency.NewSession(client)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = session.Close() })
	other := concurrency.NewMutex(session, turn)
	if err := other.Lock(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := step.Do(ctx, client); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("while another member is defragmented, the step ended with %v", err)
	}
	if err := other.Unlock(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := step.Do(t.Context(), client); err != nil {
		t.Error(err)
	}
	left, err := client.Get(t.Context(), turn, clientv3.WithPrefix())
	if err != nil || len(left.Kvs) != 0 {
		t.Errorf("of the locks %v are left, %v", left.Kvs, err)
	}
}

// store starts an etcd with a quota, and returns a client of it.
func store(t *testing.T, quota int64) *clientv3.Client {
	t.Helper()
	server, err := etcd.Start(t.Context(), etcd.Options{Dir: t.TempDir(), Quota: quota, Ephemeral: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{server.Endpoint()}, DialTimeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}
