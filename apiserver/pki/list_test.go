package pki

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	testingclock "k8s.io/utils/clock/testing"
)

func TestAListTellsOfEachCertificateWhenItIsRenewed(t *testing.T) {
	now := time.Now().Truncate(time.Second)
	dir, clk := t.TempDir(), testingclock.NewFakePassiveClock(now)
	store, _ := open(t, dir, clk)
	if _, _, err := store.KeepClient(Leaf{CommonName: "jane"}); err != nil {
		t.Fatal(err)
	}
	list, err := List(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, held := range list {
		name := strings.TrimSuffix(filepath.Base(held.File), ".crt")
		names = append(names, name)
		if authority := strings.HasSuffix(name, "ca"); held.Renewal().IsZero() != authority {
			t.Errorf("%s is renewed at %s", name, held.Renewal())
		}
		if name != "client-jane" {
			continue
		}
		clk.SetTime(held.Renewal().Add(-time.Minute))
		renews := func() bool {
			if err := store.RenewClients(); err != nil {
				t.Fatal(err)
			}
			again, err := List(dir)
			i := slices.IndexFunc(again, func(h Held) bool { return h.File == held.File })
			return err != nil || !again[i].Equal(held.Certificate)
		}
		if renews() {
			t.Error("the store renews it before that")
		}
		if clk.SetTime(held.Renewal().Add(time.Minute)); !renews() {
			t.Error("the store does not renew it then")
		}
	}
	if want := []string{"apiserver-kubelet-client", "apiserver", "ca", "client-jane", "front-proxy-ca", "front-proxy-client"}; !slices.Equal(names, want) {
		t.Errorf("the list is %v, want %v", names, want)
	}
}

func TestACertificateThatCannotBeReadIsNamed(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "garbled.crt"), []byte("garbled"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := List(dir); err == nil || !strings.Contains(err.Error(), "garbled.crt") {
		t.Errorf("got %v, want an error that names the file", err)
	}
}
