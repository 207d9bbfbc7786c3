package volumebinding

import (
	"slices"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/tools/cache"
	"k8s.io/component-helpers/storage/volume"
)

// shelf is caches whose informers are filled by hand.
type shelf struct {
	*assumeCaches
	t               *testing.T
	volumes, claims cache.Indexer
}

func newShelf(t *testing.T) shelf {
	t.Helper()
	core := informers.NewSharedInformerFactory(fake.NewClientset(), 0).Core().V1()
	l, err := newAssumeCaches(core.PersistentVolumes().Informer(), core.PersistentVolumeClaims().Informer())
	if err != nil {
		t.Fatal(err)
	}
	return shelf{l, t, core.PersistentVolumes().Informer().GetIndexer(), core.PersistentVolumeClaims().Informer().GetIndexer()}
}

// show does what an informer does with an event.
func (s shelf) show(v *corev1.PersistentVolume) {
	s.t.Helper()
	if err := s.volumes.Add(v); err != nil {
		s.t.Fatal(err)
	}
	s.handler(s.assumeCaches.volumes.shown).OnUpdate(nil, v)
}

func (s shelf) claimOf(name string) string {
	if v := s.volume(name); v != nil && v.Spec.ClaimRef != nil {
		return v.Spec.ClaimRef.Name
	}
	return ""
}

func TestWhatIsPromisedIsTaken(t *testing.T) {
	s := newShelf(t)
	v, c := newVolume("v", "1Gi", ""), newClaim("data", "1Gi")
	s.show(v)
	assumed, err := s.assumePodVolumes(&decision{bindings: []binding{{c, v}}}, "node-a")
	if err != nil {
		t.Fatal(err)
	}
	if got := s.claimOf("v"); got != "data" {
		t.Errorf("the volume is %q's, want data's", got)
	}
	ofClass, err := s.assumeCaches.volumes.list(byClass, "class")
	if err != nil || len(ofClass) != 1 || ofClass[0].Spec.ClaimRef == nil {
		t.Errorf("the class has %v (%v), want the volume as assumed", ofClass, err)
	}
	s.revertAssumedPodVolumes(assumed)
	if got := s.claimOf("v"); got != "" {
		t.Errorf("the volume is %q's after it was taken back", got)
	}
}

func TestAPromiseIsWholeOrNotAtAll(t *testing.T) {
	s := newShelf(t)
	v := newVolume("v", "1Gi", "")
	s.show(v)
	gone := newClaim("gone", "1Gi")
	if _, err := s.assumePodVolumes(&decision{bindings: []binding{{newClaim("data", "1Gi"), v}}, provisions: []provision{{claim: gone}}}, "node-a"); err == nil {
		t.Fatal("a claim that is gone was given a volume")
	}
	if got := s.claimOf("v"); got != "" {
		t.Errorf("the volume is still %q's", got)
	}
}

func TestAVolumeThatHasChangedIsNotPromised(t *testing.T) {
	s := newShelf(t)
	old, new := newVolume("v", "1Gi", ""), newVolume("v", "1Gi", "")
	new.ResourceVersion = "2"
	s.show(new)
	if _, err := s.assumePodVolumes(&decision{bindings: []binding{{newClaim("data", "1Gi"), old}}}, "node-a"); err == nil {
		t.Error("a volume was assumed that has changed since")
	}
}

func TestWhatTheServerShowsEndsAPromise(t *testing.T) {
	s := newShelf(t)
	v := newVolume("v", "1Gi", "")
	s.show(v)
	if _, err := s.assumePodVolumes(&decision{bindings: []binding{{newClaim("data", "1Gi"), v}}}, "node-a"); err != nil {
		t.Fatal(err)
	}
	s.show(v) // Again the same: a resync.
	if got := s.claimOf("v"); got != "data" {
		t.Errorf("after a resync the volume is %q's, want data's", got)
	}
	newer := newVolume("v", "1Gi", "", promisedTo("other"))
	newer.ResourceVersion = "2"
	s.show(newer)
	if got := s.claimOf("v"); got != "other" {
		t.Errorf("the volume is %q's, want other's, as the server says", got)
	}
	if left := len(s.assumeCaches.volumes.objects); left != 0 {
		t.Errorf("%d assumed objects are kept that nobody needs", left)
	}
}

func TestOnlyTheOwnPromiseIsTakenBack(t *testing.T) {
	s := newShelf(t)
	v := newVolume("v", "1Gi", "")
	s.show(v)
	first, err := s.assumePodVolumes(&decision{bindings: []binding{{newClaim("first", "1Gi"), v}}}, "node-a")
	if err != nil {
		t.Fatal(err)
	}
	s.revertAssumedPodVolumes(first)
	if _, err := s.assumePodVolumes(&decision{bindings: []binding{{newClaim("second", "1Gi"), v}}}, "node-b"); err != nil {
		t.Fatal(err)
	}
	s.revertAssumedPodVolumes(first)
	if got := s.claimOf("v"); got != "second" {
		t.Errorf("the volume is %q's, want second's", got)
	}
}

func TestWhatIsWrittenStaysUntilItIsShown(t *testing.T) {
	s := newShelf(t)
	if err := s.claims.Add(newClaim("data", "1Gi")); err != nil {
		t.Fatal(err)
	}
	assumed, err := s.assumePodVolumes(&decision{provisions: []provision{{claim: newClaim("data", "1Gi")}}}, "node-a")
	if err != nil {
		t.Fatal(err)
	}
	assumed.dynamicProvisions[0].written = true
	s.revertAssumedPodVolumes(assumed)
	if got := s.claim("default", "data").Annotations[volume.AnnSelectedNode]; got != "node-a" {
		t.Errorf("the claim is for node %q, want node-a", got)
	}
}

func TestABroadcastWakesAllWhoWait(t *testing.T) {
	var p broadcaster
	p.broadcast() // For nobody.
	var woken sync.WaitGroup
	ready := make(chan struct{}, 3)
	for range 3 {
		woken.Go(func() {
			next := p.wait()
			ready <- struct{}{}
			<-next
		})
	}
	for range 3 {
		<-ready
	}
	p.broadcast()
	woken.Wait()
	select {
	case <-p.wait():
		t.Error("a new wait ends with an old broadcast")
	default:
	}
}

func TestVolumesAreFoundByTheLabelTheyNeed(t *testing.T) {
	claim := newClaim("data", "1Gi")
	found := newCandidates(claim, []*corev1.PersistentVolume{
		newVolume("in-b", "1Gi", "b"), newVolume("in-a", "1Gi", "a"), newVolume("anywhere", "1Gi", ""), newVolume("too-small", "1Mi", "a"),
		newVolume("promised", "1Gi", "b", promisedTo("data")), newVolume("taken", "1Gi", "a", promisedTo("other")),
	})
	for zone, want := range map[string][]string{
		"a": {"anywhere", "promised", "in-a"},
		"b": {"anywhere", "promised", "in-b"},
		"c": {"anywhere", "promised"},
	} {
		var got []string
		for _, v := range found.of(nodeIn(zone)) {
			got = append(got, v.Name)
		}
		if !slices.Equal(got, want) {
			t.Errorf("in zone %s: got %v, want %v", zone, got, want)
		}
	}
}
