package dynamicresources

import (
	"errors"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
)

var web = &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web", UID: "web-uid"}}

var pods = Pods{Kind: corev1.SchemeGroupVersion.WithKind("Pod")}

func aClaim(changes ...func(*resourcev1.ResourceClaim)) *resourcev1.ResourceClaim {
	claim := &resourcev1.ResourceClaim{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "c", UID: "c-uid", ResourceVersion: "1"}}
	for _, change := range changes {
		change(claim)
	}
	return claim
}

func allocated(name string) func(*resourcev1.ResourceClaim) {
	return func(claim *resourcev1.ResourceClaim) { claim.Status.Allocation = allocationOf(name) }
}

func allocationOf(name string) *resourcev1.AllocationResult {
	return &resourcev1.AllocationResult{Devices: resourcev1.DeviceAllocationResult{
		Results: []resourcev1.DeviceRequestAllocationResult{device(name)},
	}}
}

func reserved(uid types.UID) func(*resourcev1.ResourceClaim) {
	return func(claim *resourcev1.ResourceClaim) {
		claim.Status.ReservedFor = append(claim.Status.ReservedFor,
			resourcev1.ResourceClaimConsumerReference{Resource: "pods", Name: string(uid), UID: uid})
	}
}

func TestWritingAClaim(t *testing.T) {
	for name, test := range map[string]struct {
		observed, stored *resourcev1.ResourceClaim
		allocation       *resourcev1.AllocationResult
		conflicts        int
		wrong            string
		users            int
	}{
		"adds finalizer, allocation and reservation": {
			observed: aClaim(), stored: aClaim(), allocation: allocationOf("a"), users: 1,
		},
		"adds a user to an allocated claim": {
			observed: aClaim(allocated("a"), reserved("other")), stored: aClaim(allocated("a"), reserved("other")), users: 2,
		},
		"tries again with the newest version after a conflict": {
			observed: aClaim(), stored: aClaim(reserved("other")), allocation: allocationOf("a"), conflicts: 1, users: 2,
		},
		"finds its own allocation when the answer was lost": {
			observed: aClaim(), stored: aClaim(allocated("a"), reserved("web-uid")), allocation: allocationOf("a"), conflicts: 1, users: 1,
		},
		"joins the allocation that a pod of the same group has written": {
			observed: aClaim(), stored: aClaim(allocated("a"), reserved("other")), allocation: allocationOf("a"), conflicts: 1, users: 2,
		},
		"does not take other devices than those decided on": {
			observed: aClaim(), stored: aClaim(allocated("b")), allocation: allocationOf("a"), conflicts: 1,
			wrong: "claim default/c got allocated elsewhere in the meantime",
		},
		"does not use a claim that lost its devices": {
			observed: aClaim(allocated("a")), stored: aClaim(), conflicts: 1,
			wrong: "claim default/c got deallocated elsewhere in the meantime",
		},
		"does not use a claim that is being deleted": {
			observed: aClaim(allocated("a")), conflicts: 1,
			stored: aClaim(allocated("a"), func(c *resourcev1.ResourceClaim) { c.DeletionTimestamp = new(metav1.Now()) }),
			wrong:  "claim default/c got deleted in the meantime",
		},
		"does not use another claim of the same name": {
			observed: aClaim(allocated("a")), conflicts: 1,
			stored: aClaim(allocated("a"), func(c *resourcev1.ResourceClaim) { c.UID = "another" }),
			wrong:  "claim default/c got deleted in the meantime",
		},
	} {
		t.Run(name, func(t *testing.T) {
			server := fake.NewClientset(test.stored)
			server.PrependReactor("update", "resourceclaims", func(clienttesting.Action) (bool, runtime.Object, error) {
				if test.conflicts == 0 {
					return false, nil, nil
				}
				test.conflicts--
				return true, nil, apierrors.NewConflict(resourcev1.Resource("resourceclaims"), "c", errors.New("changed"))
			})
			p := &Plugin{client: server, pods: pods}
			written, err := p.write(t.Context(), test.observed, test.allocation, web)
			if test.wrong != "" {
				if err == nil || !strings.Contains(err.Error(), test.wrong) {
					t.Fatalf("writing gave %v, want %q", err, test.wrong)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case !same(written.Status.Allocation, allocationOf("a")):
				t.Errorf("the allocation is %v, want device a", written.Status.Allocation)
			case written.Status.Allocation.AllocationTimestamp == nil:
				t.Error("nobody knows when the claim was allocated")
			case len(written.Status.ReservedFor) != test.users:
				t.Errorf("the claim is reserved for %v, want %d users", written.Status.ReservedFor, test.users)
			case test.allocation != nil && (len(written.Finalizers) != 1 || written.Finalizers[0] != resourcev1.Finalizer):
				t.Errorf("the finalizers are %q", written.Finalizers)
			case test.allocation != nil && test.allocation.AllocationTimestamp != nil:
				t.Error("writing changed the plan")
			}
		})
	}
}
