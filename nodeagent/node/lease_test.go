package node

import (
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/orrery-dev/orrery/nodeagent/simulated"
)

func TestALeaseIsTakenWhateverHasBecomeOfIt(t *testing.T) {
	key := metav1.ObjectMeta{Namespace: corev1.NamespaceNodeLease, Name: "n"}
	for name, meanwhile := range map[string]func(client.Client) error{
		"there was none": func(client.Client) error { return nil },
		"there was one of an agent before this one": func(c client.Client) error {
			long := metav1.NewMicroTime(time.Now().Add(-time.Hour))
			return c.Create(t.Context(), &coordinationv1.Lease{ObjectMeta: key, Spec: coordinationv1.LeaseSpec{HolderIdentity: ptr.To("n"), RenewTime: &long}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			server := newServer(t, interceptor.Funcs{})
			beat := &Heartbeat{Name: "n", Client: server, Runtime: simulated.New(simulated.Options{}), Clock: clock.RealClock{}, Observed: Observed{Name: "n"}}
			if err := beat.Register(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := meanwhile(server); err != nil {
				t.Fatal(err)
			}
			for _, then := range []func(*coordinationv1.Lease) error{
				func(*coordinationv1.Lease) error { return nil },
				func(lease *coordinationv1.Lease) error { return server.Delete(t.Context(), lease) },
				func(lease *coordinationv1.Lease) error {
					lease.Labels = map[string]string{"changed": "by somebody else"}
					return server.Update(t.Context(), lease)
				},
			} {
				began := time.Now().Truncate(time.Microsecond)
				if err := beat.RenewLease(t.Context()); err != nil {
					t.Fatal(err)
				}
				lease := &coordinationv1.Lease{ObjectMeta: key}
				if err := server.Get(t.Context(), client.ObjectKeyFromObject(lease), lease); err != nil {
					t.Fatal(err)
				}
				if *lease.Spec.HolderIdentity != "n" || lease.Spec.RenewTime.Time.Before(began) || *lease.Spec.LeaseDurationSeconds != 40 {
					t.Errorf("the lease is %+v", lease.Spec)
				}
				if len(lease.OwnerReferences) != 1 || lease.OwnerReferences[0].Kind != "Node" || lease.OwnerReferences[0].Name != "n" {
					t.Errorf("the lease belongs to %+v, want the node", lease.OwnerReferences)
				}
				if err := then(lease); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}
