package dra_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/utils/ptr"

	"github.com/orrery-dev/orrery/scheduler/dra"
)

// claim is version of the claim called name, with devices if it is allocated.
func claim(name, version string, devices ...string) *resourcev1.ResourceClaim {
	claim := &resourcev1.ResourceClaim{ObjectMeta: metav1.ObjectMeta{
		Namespace: "default", Name: name, UID: types.UID(name), ResourceVersion: version,
	}}
	for _, device := range devices {
		if claim.Status.Allocation == nil {
			claim.Status.Allocation = &resourcev1.AllocationResult{}
		}
		results := &claim.Status.Allocation.Devices.Results
		*results = append(*results, resourcev1.DeviceRequestAllocationResult{Driver: "d", Pool: "p", Device: device})
	}
	return claim
}

// taken are the devices that somebody has.
func taken(t *testing.T, claims *dra.Claims) string {
	t.Helper()
	state, err := claims.GatherAllocatedState()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for id := range state.AllocatedDevices {
		names = append(names, id.Device.String())
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

func expect(t *testing.T, claims *dra.Claims, version, devices string) {
	t.Helper()
	latest, err := claims.Get("default", "c")
	if err != nil {
		t.Fatal(err)
	}
	if latest.ResourceVersion != version {
		t.Errorf("the claim has version %s, want %s", latest.ResourceVersion, version)
	}
	if got := taken(t, claims); got != devices {
		t.Errorf("taken are %q, want %q", got, devices)
	}
}

func TestADeviceIsTakenFromTheDecisionUntilTheClaimIsSeenWithoutIt(t *testing.T) {
	claims := dra.NewClaims()
	claims.OnAdd(claim("c", "1"), true)
	expect(t, claims, "1", "")
	if err := claims.SignalClaimPendingAllocation("c", claim("c", "1", "a")); err != nil {
		t.Fatal(err)
	}
	expect(t, claims, "1", "a")
	if err := claims.AssumeClaimAfterAPICall(claim("c", "3", "a")); err != nil {
		t.Fatal(err)
	}
	expect(t, claims, "3", "a")
	if !claims.MaybeRemoveClaimPendingAllocation("c", true) {
		t.Error("there was no pending allocation to remove")
	}
	expect(t, claims, "3", "a")
	claims.OnUpdate(claim("c", "1"), claim("c", "2")) // The watch is late.
	expect(t, claims, "3", "a")
	claims.OnUpdate(claim("c", "2"), claim("c", "3", "a"))
	claims.OnUpdate(claim("c", "3", "a"), claim("c", "4"))
	expect(t, claims, "4", "")
}

func TestAPendingAllocationIsSharedUntilTheLastPodGivesItUp(t *testing.T) {
	claims := dra.NewClaims()
	claims.OnAdd(claim("c", "1"), true)
	for range 2 {
		if err := claims.SignalClaimPendingAllocation("c", claim("c", "1", "a")); err != nil {
			t.Fatal(err)
		}
	}
	if claims.MaybeRemoveClaimPendingAllocation("c", false) {
		t.Error("the allocation is gone although another pod shares it")
	}
	expect(t, claims, "1", "a")
	if claims.GetPendingAllocation("c") == nil {
		t.Error("the allocation is not pending any more although another pod shares it")
	}
	if !claims.MaybeRemoveClaimPendingAllocation("c", false) {
		t.Error("the allocation is still there although nobody shares it")
	}
	expect(t, claims, "1", "")
}

func TestADecisionForAnAllocatedClaimDoesNotCount(t *testing.T) {
	claims := dra.NewClaims()
	claims.OnAdd(claim("c", "2", "a"), true)
	if err := claims.SignalClaimPendingAllocation("c", claim("c", "1", "b")); err != nil {
		t.Fatal(err)
	}
	expect(t, claims, "2", "a")
}

func TestADecisionForAClaimThatIsNotKnown(t *testing.T) {
	claims := dra.NewClaims()
	var unknown dra.NotFoundError
	if err := claims.SignalClaimPendingAllocation("c", claim("c", "1", "a")); !errors.As(err, &unknown) {
		t.Errorf("signalling gave %v, want a NotFoundError", err)
	}
	made := claim(dra.Unnamed, "", "a")
	if err := claims.SignalClaimPendingAllocation("temporary", made); err != nil {
		t.Errorf("signalling a claim that is to be made: %v", err)
	}
}

func TestAssuming(t *testing.T) {
	for name, test := range map[string]struct {
		known, assumed *resourcev1.ResourceClaim
		wrong          string
	}{
		"takes the version that a write returned": {known: claim("c", "9"), assumed: claim("c", "10")},
		"takes the known version":                 {known: claim("c", "9"), assumed: claim("c", "9", "a")},
		"refuses an older version":                {known: claim("c", "10"), assumed: claim("c", "9"), wrong: "older than the known 10"},
		"refuses a claim that is not known":       {known: claim("d", "1"), assumed: claim("c", "2"), wrong: `could not find ResourceClaim "default/c"`},
	} {
		t.Run(name, func(t *testing.T) {
			claims := dra.NewClaims()
			claims.OnAdd(test.known, true)
			err := claims.AssumeClaimAfterAPICall(test.assumed)
			if got := fmt.Sprint(err); test.wrong == "" && err != nil || !strings.Contains(got, test.wrong) {
				t.Errorf("assuming gave %q, want %q", got, test.wrong)
			}
		})
	}
}

func TestRestoringGoesBackToWhatTheWatchShowed(t *testing.T) {
	claims := dra.NewClaims()
	claims.OnAdd(claim("c", "1"), true)
	if err := claims.AssumeClaimAfterAPICall(claim("c", "2", "a")); err != nil {
		t.Fatal(err)
	}
	claims.AssumedClaimRestore("default", "c")
	expect(t, claims, "1", "")
}

func TestSharedDevicesAddUp(t *testing.T) {
	claims := dra.NewClaims()
	share := func(name, memory string) *resourcev1.ResourceClaim {
		claim := claim(name, "1", "a")
		result := &claim.Status.Allocation.Devices.Results[0]
		result.ShareID = ptr.To(types.UID("share-of-" + name))
		result.ConsumedCapacity = map[resourcev1.QualifiedName]resource.Quantity{"memory": resource.MustParse(memory)}
		return claim
	}
	claims.OnAdd(share("c", "2Gi"), true)
	claims.OnAdd(share("d", "3Gi"), true)
	looked := claim("admin", "1", "b")
	looked.Status.Allocation.Devices.Results[0].AdminAccess = ptr.To(true)
	claims.OnAdd(looked, true)
	before, err := claims.GatherAllocatedState()
	if err != nil {
		t.Fatal(err)
	}
	claims.OnDelete(toolscache.DeletedFinalStateUnknown{Obj: share("d", "3Gi")})
	after, err := claims.GatherAllocatedState()
	if err != nil {
		t.Fatal(err)
	}
	for _, each := range []struct {
		when   string
		shares int
		memory string
	}{{"before", 2, "5Gi"}, {"after", 1, "2Gi"}} {
		state := before
		if each.when == "after" {
			state = after
		}
		if len(state.AllocatedDevices) != 0 || len(state.AllocatedSharedDeviceIDs) != each.shares {
			t.Errorf("%s, taken are %v and shared %v", each.when, state.AllocatedDevices, state.AllocatedSharedDeviceIDs)
		}
		for id, capacity := range state.AggregatedCapacity {
			if got := capacity["memory"].String(); got != each.memory {
				t.Errorf("%s, %s of device %s is consumed, want %s", each.when, got, id, each.memory)
			}
		}
	}
}

func TestListenersHearOfEachChangeOnceAndCanRead(t *testing.T) {
	claims := dra.NewClaims()
	var heard []string
	note := func(what string, object any) {
		shown := object.(*resourcev1.ResourceClaim)
		latest, err := claims.Get(shown.Namespace, shown.Name)
		heard = append(heard, fmt.Sprintf("%s %s, known: %t", what, shown.ResourceVersion, err == nil && latest == shown))
	}
	claims.Listen(toolscache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { note("added", object) },
		UpdateFunc: func(_, object any) { note("updated to", object) },
		DeleteFunc: func(object any) { note("deleted", object) },
	})
	first, second := claim("c", "1"), claim("c", "2", "a")
	claims.OnAdd(first, true)
	if err := claims.AssumeClaimAfterAPICall(second); err != nil {
		t.Fatal(err)
	}
	claims.OnUpdate(first, claim("c", "2", "a")) // It was heard of already.
	claims.OnDelete(second)
	want := []string{"added 1, known: true", "updated to 2, known: true", "deleted 2, known: false"}
	if !slices.Equal(heard, want) {
		t.Errorf("heard %q, want %q", heard, want)
	}
}

func TestANameThatPassesToAnotherClaim(t *testing.T) {
	claims := dra.NewClaims()
	claims.OnAdd(claim("c", "1", "a"), true)
	next := claim("c", "2", "b")
	next.UID = "another"
	claims.OnUpdate(nil, next)
	expect(t, claims, "2", "b")
}

// A device counts at every moment while claims are decided on, written and shown from several sides.
func TestNoGapUnderConcurrency(t *testing.T) {
	claims := dra.NewClaims()
	claims.Listen(toolscache.ResourceEventHandlerFuncs{AddFunc: func(any) { _, _ = claims.List() }})
	stop := make(chan struct{})
	var group, watcher sync.WaitGroup
	for i := range 8 {
		name := fmt.Sprintf("c%d", i)
		claims.OnAdd(claim(name, "1"), true)
		if err := claims.SignalClaimPendingAllocation(types.UID(name), claim(name, "1", name)); err != nil {
			t.Fatal(err)
		}
		group.Go(func() {
			for version := range 100 {
				written := claim(name, fmt.Sprint(version+2), name)
				if err := claims.AssumeClaimAfterAPICall(written); err != nil {
					t.Error(err)
				}
				claims.MaybeRemoveClaimPendingAllocation(types.UID(name), true)
				claims.OnUpdate(nil, written.DeepCopy())
			}
		})
	}
	watcher.Go(func() {
		for {
			if state, _ := claims.GatherAllocatedState(); len(state.AllocatedDevices) != 8 {
				t.Errorf("taken are %d devices, want 8", len(state.AllocatedDevices))
				return
			}
			select {
			case <-stop:
				return
			default:
			}
		}
	})
	group.Wait()
	close(stop)
	watcher.Wait()
}
