package cli

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/orrery-dev/orrery/apiserver/pki"
	"github.com/orrery-dev/orrery/internal/cli/bootstraptoken"
	"github.com/orrery-dev/orrery/internal/cli/clusterinfo"
	"github.com/orrery-dev/orrery/internal/cli/instance"
	"github.com/orrery-dev/orrery/internal/cli/registration"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
)

func TestTokensAreShownAsKubeadmShowsThem(t *testing.T) {
	now := time.Date(2026, time.January, 1, 12, 0, 0, 0, time.UTC)
	end := func(d time.Duration) *metav1.Time { return &metav1.Time{Time: now.Add(d)} }
	table := tokenTable([]bootstraptoken.Token{
		{Token: "aaaaaa.0123456789abcdef", Expires: end(23 * time.Hour), Usages: []string{"signing", "authentication"}, Groups: []string{"system:bootstrappers:a"}},
		{Token: "bbbbbb.0123456789abcdef", Usages: []string{"signing"}, Description: "for the attic"},
		{Token: "cccccc.0123456789abcdef", Expires: end(-time.Second)},
	}, now)
	want := [][]string{
		{"aaaaaa.0123456789abcdef", "23h", "2026-01-02T11:00:00Z", "signing,authentication", "", "system:bootstrappers:a"},
		{"bbbbbb.0123456789abcdef", "<forever>", "<never>", "signing", "for the attic", ""},
		{"cccccc.0123456789abcdef", "<expired>", "2026-01-01T11:59:59Z", "", "", ""},
	}
	if diff := cmp.Diff(want, table.Rows); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestTheJoinCommandNamesEachAuthority(t *testing.T) {
	var ca []byte
	for range 2 {
		store, err := pki.Open(t.TempDir(), clock.RealClock{})
		if err != nil {
			t.Fatal(err)
		}
		ca = append(ca, store.Authority().Certificate()...)
	}
	pins, err := clusterinfo.Pins(ca)
	if err != nil {
		t.Fatal(err)
	}
	got, err := joinCommand(clusterinfo.Info{Server: "https://192.0.2.1:7443", CA: ca}, "abcdef.0123456789abcdef", false)
	want := "orrery node --join 192.0.2.1:7443 --token abcdef.0123456789abcdef --ca-hash " + pins[0] + " --ca-hash " + pins[1]
	if got != want || err != nil {
		t.Errorf("the command is %q (%v), want %q", got, err, want)
	}
}

func TestANodeIsNoControlPlane(t *testing.T) {
	inst := &instance.Instance{Name: "orrery", Dir: t.TempDir()}
	if err := hasNotJoined(inst); err != nil {
		t.Errorf("one that never was a node: %v", err)
	}
	r := registration.Registration{NodeName: "two", Address: netip.MustParseAddr("192.0.2.2"), Rotates: true}
	if err := r.Write(registrationDir(inst)); err != nil {
		t.Fatal(err)
	}
	if err := hasNotJoined(inst); err == nil || !strings.Contains(err.Error(), "is node two of a control plane on another machine") {
		t.Errorf("the error is %v", err)
	}
}

func TestJoiningIsCheckedBeforeAnythingIsAsked(t *testing.T) {
	inst := &instance.Instance{Name: "orrery", Dir: t.TempDir()}
	real := runtimeOptions{runtime: containerdRuntime}
	for name, c := range map[string]struct {
		runtime runtimeOptions
		says    string
	}{
		"a runtime that runs nothing": {runtimeOptions{runtime: simulatedRuntime}, "--join needs a runtime that runs containers"},
		"somebody else's runtime":     {runtimeOptions{runtime: containerdRuntime, endpoint: "unix:///run/x.sock"}, "leave out --runtime-endpoint"},
		"a runtime of its own":        {real, ""},
	} {
		err := (&joinOptions{}).fits(inst, c.runtime)
		if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s: the error is %v, want %q in it", name, err, c.says)
		}
	}
	for _, flag := range joinFlags {
		root := newRoot()
		root.SetArgs([]string{"node", "--runtime", "simulated", "--data-dir", t.TempDir(), "--" + flag, "192.0.2.1"})
		if err := root.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), "--"+flag+" goes with --join") {
			t.Errorf("--%s without --join: %v", flag, err)
		}
	}
}
