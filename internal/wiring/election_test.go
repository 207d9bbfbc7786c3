package wiring_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr/funcr"
	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/orrery-dev/orrery/internal/await"
	"github.com/orrery-dev/orrery/internal/wiring"
)

// electing is an election whose lease nobody could wait for in a test, nor for the next try of one who stands by.
var electing = wiring.Election{
	Namespace: "kube-system", Name: "test", LeaseDuration: 3 * time.Minute, RenewDeadline: 2 * time.Minute, RetryPeriod: time.Minute,
}

// writes are the requests of a client that change something, in the order in which they were sent.
type writes struct {
	mu   sync.Mutex
	sent []string
}

// release is what is written down for the request that gives up a lease.
const release = "release"

func (w *writes) of(config *rest.Config) *rest.Config {
	config = rest.CopyConfig(config)
	config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(request *http.Request) (*http.Response, error) {
			w.note(request)
			return next.RoundTrip(request)
		})
	})
	return config
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }

// note writes down a request, unless it is of an Event: those tell of what was, and are told by a goroutine of their own.
func (w *writes) note(request *http.Request) {
	if request.Method == http.MethodGet || strings.HasSuffix(request.URL.Path, "/events") || strings.Contains(request.URL.Path, "/events/") {
		return
	}
	what := request.Method + " " + request.URL.Path
	if strings.Contains(request.URL.Path, "/leases/") {
		body, err := io.ReadAll(request.Body)
		if err != nil {
			return // the client will see it
		}
		request.Body = io.NopCloser(bytes.NewReader(body))
		if bytes.Contains(body, []byte(electing.Name)) && !bytes.Contains(body, []byte("_")) { // names of holders have one
			what = release
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sent = append(w.sent, what)
}

// afterRelease are the requests that were sent when the lease had been given up; released is false if it never was.
func (w *writes) afterRelease() (after []string, released bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	i := slices.Index(w.sent, release)
	if i < 0 {
		return nil, false
	}
	return slices.Clone(w.sent[i+1:]), true
}

// leading waits until a manager leads.
func leading(t *testing.T, m *wiring.Manager) {
	t.Helper()
	closes(t, "the manager to lead", m.Elected())
}

// closes waits until a channel is closed.
func closes(t *testing.T, what string, channel <-chan struct{}) {
	t.Helper()
	await.Until(t, what, func() (string, bool) {
		select {
		case <-channel:
			return "", true
		default:
			return "not yet", false
		}
	})
}

// The first of two managers is stopped in the middle of its work.
func TestAManagerThatIsStoppedHandsOverAtOnceAndWritesNothingAfterwards(t *testing.T) {
	t.Parallel()
	c := ownCluster(t)
	var sent writes
	manager := func(config *rest.Config) *wiring.Manager {
		of := c
		of.Config = config
		m, err := wiring.NewControllers(of, wiring.ControllersOptions{Loops: wiring.Loops{Cluster: true}, Election: &electing})
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	first, second := manager(sent.of(c.Config)), manager(c.Config)
	stopFirst := running(t, first, func() {})
	leading(t, first)
	stopSecond := running(t, second, func() {})
	await.Until(t, "the second manager to stand by", func() (string, bool) { return "not ready", isReady(second) })

	const replicas = 60
	set := kubernetes.NewForConfigOrDie(c.Config)
	if _, err := set.AppsV1().ReplicaSets("default").Create(t.Context(), replicaSet(replicas), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	pods := func() int {
		list, err := set.CoreV1().Pods("default").List(t.Context(), metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return len(list.Items)
	}
	await.Until(t, "the first manager to be at work", func() (string, bool) { n := pods(); return fmt.Sprint(n, " pods"), n > 0 })

	if err := stopFirst(); err != nil {
		t.Errorf("a manager that was stopped returns %v, want nil", err)
	}
	if after, released := sent.afterRelease(); !released || len(after) > 0 {
		t.Errorf("it gave up the lease: %t; afterwards it sent %q, want nothing", released, after)
	}
	released := time.Now()
	leading(t, second)
	if taken := time.Since(released); taken > electing.RetryPeriod/2 {
		t.Errorf("the hand-over took %s, as if nobody had watched the lease", taken)
	}
	await.Until(t, "the second manager to finish the work", func() (string, bool) { n := pods(); return fmt.Sprint(n, " pods"), n == replicas })
	if err := stopSecond(); err != nil {
		t.Error(err)
	}
}

// An elector that cannot watch the lease asks for it now and then.
func TestAManagerThatMayNotWatchTheLeaseTakesItOverAtItsNextTry(t *testing.T) {
	t.Parallel()
	c, quick := ownCluster(t), electing
	quick.RetryPeriod = 100 * time.Millisecond
	manager := func(config *rest.Config) *wiring.Manager {
		of := c
		of.Config = config
		m, err := wiring.NewControllers(of, wiring.ControllersOptions{Election: &quick})
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	first, second := manager(c.Config), manager(unwatched(c.Config))
	stopFirst := running(t, first, func() {})
	leading(t, first)
	stopSecond := running(t, second, func() {})
	await.Until(t, "the second manager to stand by", func() (string, bool) { return "not ready", isReady(second) })
	if err := stopFirst(); err != nil {
		t.Error(err)
	}
	leading(t, second)
	if err := stopSecond(); err != nil {
		t.Error(err)
	}
}

// unwatched refuses to watch Leases.
func unwatched(config *rest.Config) *rest.Config {
	config = rest.CopyConfig(config)
	config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(request *http.Request) (*http.Response, error) {
			if strings.HasSuffix(request.URL.Path, "/leases") && request.URL.Query().Get("watch") != "" {
				return &http.Response{StatusCode: http.StatusForbidden, Body: http.NoBody, Request: request}, nil
			}
			return next.RoundTrip(request)
		})
	})
	return config
}

// Somebody who leads and is killed renews the lease no more, and cannot give it up.
func TestALeaseThatIsNotRenewedRunsOut(t *testing.T) {
	t.Parallel()
	c := ownCluster(t)
	leases := kubernetes.NewForConfigOrDie(c.Config).CoordinationV1().Leases(electing.Namespace)
	const lasts = 4
	now := metav1.NowMicro()
	lease, err := leases.Create(t.Context(), &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: electing.Name}, Spec: coordinationv1.LeaseSpec{
		HolderIdentity: new("somebody_else"), LeaseDurationSeconds: new(int32(lasts)), AcquireTime: &now, RenewTime: &now,
	}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	m, err := wiring.NewControllers(c, wiring.ControllersOptions{Election: &electing})
	if err != nil {
		t.Fatal(err)
	}
	stop := running(t, m, func() {})
	await.Until(t, "the manager to stand by", func() (string, bool) { return "not ready", isReady(m) })
	renewed := metav1.NowMicro()
	lease.Spec.RenewTime = &renewed
	if _, err := leases.Update(t.Context(), lease, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	leading(t, m)
	if held := time.Since(renewed.Time); held < lasts*time.Second {
		t.Errorf("the lease was taken %s after it was renewed, and lasts %d s", held, lasts)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestAManagerThatIsStoppedReportsNoErrors(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		election *wiring.Election
		when     func(*wiring.Manager) <-chan struct{}
	}{
		{"while its loops begin", nil, (*wiring.Manager).Elected},
		{"while they begin because it leads", &electing, (*wiring.Manager).Elected},
		{"at work", nil, (*wiring.Manager).Ready},
		{"at work, and leading", &electing, (*wiring.Manager).Ready},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := ownCluster(t)
			var mu sync.Mutex
			var said []string
			c.Log = funcr.New(func(_, line string) {
				mu.Lock()
				defer mu.Unlock()
				if strings.Contains(line, `"error"=`) {
					said = append(said, line)
				}
			}, funcr.Options{Verbosity: -1})
			m, err := wiring.NewControllers(c, wiring.ControllersOptions{Election: test.election})
			if err != nil {
				t.Fatal(err)
			}
			stop := running(t, m, func() {})
			closes(t, "the time to stop it", test.when(m))
			if err := stop(); err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			if len(said) > 0 {
				t.Errorf("it said %q, want nothing", said)
			}
		})
	}
}

func replicaSet(replicas int32) *appsv1.ReplicaSet {
	labels := map[string]string{"app": "web"}
	return &appsv1.ReplicaSet{
		ObjectMeta: metav1.ObjectMeta{Name: "web"},
		Spec: appsv1.ReplicaSetSpec{
			Replicas: &replicas,
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Image: "web:1"}}},
			},
		},
	}
}

func TestAManagerThatStandsByDoesNothing(t *testing.T) {
	t.Parallel()
	c := ownCluster(t)
	first, err := wiring.NewControllers(c, wiring.ControllersOptions{Election: &electing})
	if err != nil {
		t.Fatal(err)
	}
	stop := running(t, first, func() {})
	leading(t, first)
	var sent writes
	of := c
	of.Config = sent.of(c.Config)
	second, err := wiring.NewControllers(of, wiring.ControllersOptions{Election: &electing})
	if err != nil {
		t.Fatal(err)
	}
	stopSecond := running(t, second, func() {})
	await.Until(t, "the second manager to stand by", func() (string, bool) { return "not ready", isReady(second) })
	if err := stopSecond(); err != nil {
		t.Errorf("stopping one that stands by: %v", err)
	}
	sent.mu.Lock()
	defer sent.mu.Unlock()
	if len(sent.sent) > 0 {
		t.Errorf("it sent %q, want nothing", sent.sent)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestTimesOfAnElectionThatCannotWorkAreRefused(t *testing.T) {
	for name, change := range map[string]func(*wiring.Election){
		"renew deadline": func(e *wiring.Election) { e.RenewDeadline = e.RetryPeriod },
		"lease duration": func(e *wiring.Election) { e.LeaseDuration = e.RenewDeadline },
		"retry period":   func(e *wiring.Election) { e.RetryPeriod = 0 },
	} {
		t.Run(name, func(t *testing.T) {
			e := electing
			change(&e)
			_, err := wiring.NewControllers(wiring.Cluster{Config: &rest.Config{Host: "127.0.0.1:1"}}, wiring.ControllersOptions{Election: &e})
			if err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("got %v, want an error that names the %s", err, name)
			}
		})
	}
}

// A member whose process was killed holds its leases until they run out, and is back before that.
func TestAMemberThatComesBackHasItsLeaseAtOnce(t *testing.T) {
	t.Parallel()
	c := ownCluster(t)
	election, now := electing, metav1.NowMicro()
	election.Name, election.Holder = "comes-back", "cp-1"
	seconds := int32(election.LeaseDuration.Seconds())
	held := &coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{Name: election.Name},
		Spec:       coordinationv1.LeaseSpec{HolderIdentity: &election.Holder, LeaseDurationSeconds: &seconds, AcquireTime: &now, RenewTime: &now},
	}
	set := kubernetes.NewForConfigOrDie(c.Config)
	if _, err := set.CoordinationV1().Leases(election.Namespace).Create(t.Context(), held, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	other := election
	other.Holder = "cp-2"
	idle := func() (wiring.Part, error) { return idlePart{}, nil }
	second, err := wiring.NewElected(c, &other, idle)
	if err != nil {
		t.Fatal(err)
	}
	running(t, second, func() {})
	await.Until(t, "the other member to stand by", func() (string, bool) { return "not ready", isReady(second) })
	first, err := wiring.NewElected(c, &election, idle)
	if err != nil {
		t.Fatal(err)
	}
	running(t, first, func() {})
	leading(t, first)
}

// idlePart does nothing.
type idlePart struct{}

func (idlePart) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

func (idlePart) Ready() <-chan struct{} {
	now := make(chan struct{})
	close(now)
	return now
}
