package volumes

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	testingclock "k8s.io/utils/clock/testing"
	"k8s.io/utils/ptr"

	"github.com/orrery-dev/orrery/nodeagent/objects"
)

// issuer numbers the tokens that it gives out, until it fails.
type issuer struct {
	clock *testingclock.FakeClock
	count int
	fails bool
}

func (i *issuer) Request(_ context.Context, _ *corev1.Pod, _ string, expiration time.Duration) (objects.Token, error) {
	if i.fails {
		return objects.Token{}, errors.New("away")
	}
	i.count++
	return objects.Token{Value: fmt.Sprintf("token-%d", i.count), Expires: i.clock.Now().Add(expiration)}, nil
}

func TestTokensAreRenewedInTime(t *testing.T) {
	clock := testingclock.NewFakeClock(now)
	from := &issuer{clock: clock}
	m := New(Options{Tokens: from, Clock: clock})
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{UID: "pod"}}
	for _, step := range []struct {
		after time.Duration
		fails bool
		want  string
	}{
		{0, false, "token-1"},
		{47 * time.Minute, false, "token-1"},
		{2 * time.Minute, true, "token-1"}, // due, but the server is away, and the token still good
		{time.Minute, false, "token-2"},
		{50 * time.Minute, false, "token-3"},
		{61 * time.Minute, true, ""},
	} {
		clock.Step(step.after)
		from.fails = step.fails
		got, err := m.issue(t.Context(), pod, "", time.Hour)
		if got.Value != step.want || (err != nil) != (step.want == "") {
			t.Errorf("after %s more the token is %q (%v), want %q", step.after, got.Value, err, step.want)
		}
	}
	m.tokens.forget("/root/pods/pod")
	if len(m.tokens.kept) != 0 {
		t.Errorf("tokens are kept for a pod that is gone: %v", m.tokens.kept)
	}
}

func TestATokenIsForWhoeverNeedsIt(t *testing.T) {
	user := func(id int64) *corev1.SecurityContext { return &corev1.SecurityContext{RunAsUser: &id} }
	for _, test := range []struct {
		name  string
		spec  corev1.PodSpec
		mode  int32
		owner string
	}{
		{"anybody", corev1.PodSpec{Containers: []corev1.Container{{}}}, 0o644, "root"},
		{"the user of all containers", corev1.PodSpec{
			SecurityContext: &corev1.PodSecurityContext{RunAsUser: ptr.To[int64](1000)}, Containers: []corev1.Container{{}, {SecurityContext: user(1000)}},
		}, 0o600, "1000"},
		{"several users", corev1.PodSpec{Containers: []corev1.Container{{SecurityContext: user(1)}, {SecurityContext: user(2)}}}, 0o644, "root"},
		{"a user, and one that the image names", corev1.PodSpec{InitContainers: []corev1.Container{{SecurityContext: user(1)}}, Containers: []corev1.Container{{}}}, 0o644, "root"},
		{"the group of the volumes", corev1.PodSpec{
			SecurityContext: &corev1.PodSecurityContext{FSGroup: ptr.To[int64](2000)}, Containers: []corev1.Container{{}},
		}, 0o600, "root"},
	} {
		t.Run(test.name, func(t *testing.T) {
			clock := testingclock.NewFakeClock(now)
			m := New(Options{Tokens: &issuer{clock: clock}, Clock: clock})
			source := &corev1.ServiceAccountTokenProjection{Path: "token", ExpirationSeconds: ptr.To[int64](600)}
			files, err := m.token(t.Context(), &corev1.Pod{Spec: test.spec}, source, 0o644)
			if err != nil {
				t.Fatal(err)
			}
			file, owner := files["token"], "root"
			if file.Owner != nil {
				owner = fmt.Sprint(*file.Owner)
			}
			if file.Mode != test.mode || owner != test.owner {
				t.Errorf("the token has mode %o and is %s's, want %o and %s", file.Mode, owner, test.mode, test.owner)
			}
		})
	}
}
