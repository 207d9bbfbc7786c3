package objects

import (
	"context"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/orrery-dev/orrery/apis"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
)

// claimOf is a claim whose UID is its name.
func claimOf(name, volume string, phase corev1.PersistentVolumeClaimPhase, owners []metav1.OwnerReference) *ocorev1.PersistentVolumeClaim {
	claim := &ocorev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, UID: types.UID(name), OwnerReferences: owners}}
	claim.Spec.VolumeName, claim.Status.Phase = volume, phase
	return claim
}

func TestAClaimLeadsToItsVolume(t *testing.T) {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web", UID: "web"}}
	named := &corev1.Volume{Name: "data", VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "data"}}}
	made := &corev1.Volume{Name: "data", VolumeSource: corev1.VolumeSource{Ephemeral: &corev1.EphemeralVolumeSource{}}}
	ofPod := []metav1.OwnerReference{{APIVersion: "v1", Kind: "Pod", Name: "web", UID: "web", Controller: ptr.To(true)}}
	for name, c := range map[string]struct {
		volume *corev1.Volume
		claim  *ocorev1.PersistentVolumeClaim
		ref    types.UID // the UID of the claim that the volume is bound to
		want   string
	}{
		"one that is bound":                      {named, claimOf("data", "disk", corev1.ClaimBound, nil), "data", ""},
		"one that was made for the pod":          {made, claimOf("web-data", "disk", corev1.ClaimBound, ofPod), "web-data", ""},
		"one that is not there":                  {named, nil, "", "failed to fetch PVC"},
		"one that waits":                         {named, claimOf("data", "", corev1.ClaimPending, nil), "", "error processing PVC default/data: PVC is not bound"},
		"one that has chosen and is not bound":   {named, claimOf("data", "disk", corev1.ClaimPending, nil), "data", "PVC is not bound"},
		"one whose volume is gone":               {named, claimOf("data", "gone", corev1.ClaimBound, nil), "", "failed to fetch PV gone"},
		"one whose volume is another claim's":    {named, claimOf("data", "disk", corev1.ClaimBound, nil), "other", "PV disk is bound to another claim"},
		"one of the pod's name that is not its":  {made, claimOf("web-data", "disk", corev1.ClaimBound, nil), "web-data", "PVC default/web-data was not created for pod"},
		"one whose volume was kept for its twin": {named, claimOf("data", "disk", corev1.ClaimBound, nil), "data-before", "bound to another claim"},
		"one that lost the volume that it had":   {named, claimOf("data", "disk", corev1.ClaimLost, nil), "data", "PVC is not bound"},
	} {
		t.Run(name, func(t *testing.T) {
			scheme := runtime.NewScheme()
			if err := apis.AddToScheme(scheme, apis.Kubernetes); err != nil {
				t.Fatal(err)
			}
			disk := &ocorev1.PersistentVolume{ObjectMeta: metav1.ObjectMeta{Name: "disk"}}
			if c.ref != "" {
				disk.Spec.ClaimRef = &corev1.ObjectReference{Namespace: "default", Name: "data", UID: c.ref}
			}
			objects := fake.NewClientBuilder().WithScheme(scheme).WithObjects(disk)
			if c.claim != nil {
				objects.WithObjects(c.claim)
			}
			claim, found, err := (&Claims{client: objects.Build()}).Bound(t.Context(), pod, c.volume)
			switch {
			case c.want == "" && (err != nil || found.Name != "disk" || claim.Name != c.claim.Name):
				t.Errorf("got %v, %v, %v", claim, found, err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestAClaimThatIsAboutToSayThatItIsBoundIsAwaited(t *testing.T) {
	scheme := runtime.NewScheme()
	if err := apis.AddToScheme(scheme, apis.Kubernetes); err != nil {
		t.Fatal(err)
	}
	disk := &ocorev1.PersistentVolume{ObjectMeta: metav1.ObjectMeta{Name: "disk"}}
	disk.Spec.ClaimRef = &corev1.ObjectReference{Namespace: "default", Name: "data", UID: "data"}
	reads := 0
	c := fake.NewClientBuilder().WithScheme(scheme).WithObjects(disk, claimOf("data", "disk", corev1.ClaimBound, nil)).WithInterceptorFuncs(interceptor.Funcs{
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, into client.Object, opts ...client.GetOption) error {
			err := c.Get(ctx, key, into, opts...)
			if claim, ok := into.(*ocorev1.PersistentVolumeClaim); ok {
				if reads++; reads < 3 {
					claim.Status.Phase = corev1.ClaimPending
				}
			}
			return err
		},
	}).Build()
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web", UID: "web"}}
	volume := &corev1.Volume{Name: "data", VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "data"}}}
	claims := NewClaims(c)
	claims.patience = time.Hour
	if _, found, err := claims.Bound(t.Context(), pod, volume); err != nil || found.Name != "disk" || reads != 3 {
		t.Errorf("got %v, %v after %d reads", found, err, reads)
	}
}
