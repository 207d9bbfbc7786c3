package horizontalpodautoscaler

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"
	"github.com/orrery-dev/orrery/apis"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/klog/v2"
)

// TestTheDecisionsAreThoseOfKubernetes lets kube-controller-manager's controller and this loop live through the same random hours:
// loads that come and go, pods that start, fail and are not measured, APIs that do not answer, users who scale and change their mind.
// After every look both have asked for the same replicas, and say the same.
func TestTheDecisionsAreThoseOfKubernetes(t *testing.T) {
	quiet(t)
	lives := 40
	if testing.Short() {
		lives = 10
	}
	for seed := range lives {
		if !t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { live(t, rand.New(rand.NewPCG(uint64(seed), 1))) })
		}) {
			return
		}
	}
}

// quiet lets Kubernetes' code log nothing, and not wait after an error, by which its turns would come late.
func quiet(t *testing.T) {
	klog.SetLogger(logr.Discard())
	handlers := utilruntime.ErrorHandlers
	utilruntime.ErrorHandlers = nil
	t.Cleanup(func() {
		klog.ClearLogger()
		utilruntime.ErrorHandlers = handlers
	})
}

const period = 15 * time.Second

// live lets both live for some minutes, and compares what they say after every look.
func live(t *testing.T, r *rand.Rand) {
	d := draw{r, oneOf[int32](draw{r, 0}, 15, 30, 60, 120)}
	metrics := &served{}
	hpa := d.autoscaler()
	l := &lives{t: t, theirs: newTheirs(t, metrics, hpa), ours: newOurs(t, metrics, hpa)}
	l.scale(int32(r.IntN(int(hpa.Spec.MaxReplicas) + 2)))
	var pods []*corev1.Pod
	for n := range 40 {
		pods = d.pods(pods, l.replicas)
		d.metrics(metrics, pods)
		l.theirs.put(pods)
		l.ours.put(pods)
		if n > 0 && d.once(12) {
			spec := d.autoscaler().Spec
			l.theirs.change(spec)
			l.ours.change(spec)
			l.look() // at once
		}
		time.Sleep(lead) //nolint:forbidigo // the time of this bubble passes by itself
		l.look()
		if d.once(15) {
			l.scale(int32(r.IntN(int(hpa.Spec.MaxReplicas) + 2)))
		}
		time.Sleep(period - lead) //nolint:forbidigo // as above
	}
	l.theirs.stop()
	for _, event := range l.events {
		if !l.ours.recorded.events[event] {
			t.Errorf("Kubernetes records %q", event)
		}
	}
}

// lead is how long before a look the world changes.
const lead = time.Second

// lives are those of both, of which the replicas are always the same.
type lives struct {
	t        *testing.T
	theirs   *theirs
	ours     *ours
	replicas int32
	// events are what theirs recorded while ours could still record all: both are let record 25 about one object at once.
	events []string
}

// free is how many events ours may have recorded before a look, so that it can record all that comes of it.
const free = 15

// scale is what a user does.
func (l *lives) scale(replicas int32) {
	l.replicas = replicas
	l.theirs.resize(replicas)
	l.ours.resize(replicas)
}

// look lets both look once.
func (l *lives) look() {
	l.t.Helper()
	all := l.ours.recorded.total <= free
	l.theirs.look()
	l.ours.look()
	if all {
		l.events = l.theirs.events()
	}
	want, status := l.theirs.told()
	got, said := l.ours.told()
	if got != want {
		l.t.Fatalf("at %s %d replicas become %d, and in Kubernetes %d: (- in Kubernetes, + here)\n%s\n%s", time.Now(), l.replicas, got, want, cmp.Diff(plain(status), plain(said)), l.ours.because())
	}
	if len(l.theirs.pods) == 0 {
		withoutShares(&status)
		withoutShares(&said)
	}
	if diff := cmp.Diff(plain(status), plain(said)); diff != "" {
		l.t.Fatalf("with %d replicas that become %d, the status differs (- in Kubernetes, + here) in\n%s", l.replicas, got, diff)
	}
	l.replicas = got
}

// plain is a status without what cannot be the same: when conditions changed, which Kubernetes also moves where nothing did.
func plain(s autoscalingv2.HorizontalPodAutoscalerStatus) autoscalingv2.HorizontalPodAutoscalerStatus {
	s = *s.DeepCopy()
	for i := range s.Conditions {
		s.Conditions[i].LastTransitionTime = metav1.Time{}
	}
	if s.LastScaleTime != nil {
		s.LastScaleTime = &metav1.Time{Time: s.LastScaleTime.UTC()}
	}
	if len(s.CurrentMetrics) == 0 {
		s.CurrentMetrics = nil
	}
	return s
}

// withoutShares takes what each pod has of a value out of a status. Where there are no pods, Kubernetes divides by none.
func withoutShares(s *autoscalingv2.HorizontalPodAutoscalerStatus) {
	*s = *s.DeepCopy()
	for _, m := range s.CurrentMetrics {
		if m.Object != nil {
			m.Object.Current.AverageValue = nil
		}
		if m.External != nil {
			m.External.Current.AverageValue = nil
		}
	}
}

// recorded are the reasons and messages of events.
type recorded struct {
	events map[string]bool
	total  int
}

func (r *recorded) Eventf(_, _ runtime.Object, _, reason, _, note string, args ...any) {
	r.total++
	r.events[reason+": "+fmt.Sprintf(note, args...)] = true
}

var kubernetes = func() *runtime.Scheme {
	scheme := runtime.NewScheme()
	if err := apis.AddToScheme(scheme, apis.Kubernetes); err != nil {
		panic(err)
	}
	return scheme
}()
