package volumes

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/orrery-dev/orrery/apis"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	ostoragev1 "github.com/orrery-dev/orrery/apis/storage/v1"
	"github.com/orrery-dev/orrery/controllers/core/pvbinder"
	"github.com/orrery-dev/orrery/controllers/core/pvreclaimer"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	"github.com/orrery-dev/orrery/internal/await"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/kubernetes/pkg/controller/volume/persistentvolume"
	"k8s.io/kubernetes/pkg/volume"
	"k8s.io/kubernetes/pkg/volume/hostpath"
	"k8s.io/kubernetes/pkg/volume/nfs"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

var cases = flag.Int("volumes.cases", 60, "how many worlds are compared with what kube-controller-manager makes of them")

// TestWhatBecomesOfClaimsAndVolumesIsWhatKubernetesMakesOfThem lets our loops and kube-controller-manager's controller come to rest
// from the same worlds, also from such as only come about by crashes and by people, and compares how they leave them.
func TestWhatBecomesOfClaimsAndVolumesIsWhatKubernetesMakesOfThem(t *testing.T) {
	for seed := range *cases {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			objs := anyWorld(rand.New(rand.NewPCG(uint64(seed), 1)))
			want := ours(t, objs)
			theirs := runUpstream(t, objs)
			await.Until(t, "kube-controller-manager makes of it\n"+want+"\nfrom\n"+told(objs), func() (string, bool) {
				got := theirs(t.Context())
				return got, got == want
			})
		})
	}
}

// anyWorld is a claim in any state, with another one and some volumes that may have to do with either. No two volumes are of one size:
// which of two that are as good is chosen nobody promises.
func anyWorld(r *rand.Rand) []client.Object {
	pick := func(from ...string) string { return from[r.IntN(len(from))] }
	objs := []client.Object{
		gen.StorageClass("made", "example.com/disks"), gen.StorageClass("waits", "example.com/disks", gen.WaitsForConsumer),
		gen.StorageClass("none", "kubernetes.io/no-provisioner"), gen.StorageClass("ebs", "kubernetes.io/aws-ebs"),
	}
	classes := []string{"", "", "made", "waits", "none", "ebs", "unknown"}
	class := pick(classes...)
	claim := gen.PersistentVolumeClaim("data", gen.ClaimOfClass(class))
	switch r.IntN(8) {
	case 0:
		claim.Spec.VolumeName = pick("v0", "v1", "v9")
	case 1:
		gen.BoundTo(pick("v0", "v1", "v9", ""))(claim)
	case 2:
		gen.BoundTo(pick("v0", "v1"))(claim)
		claim.Status = corev1.PersistentVolumeClaimStatus{Phase: corev1.ClaimPending}
	case 3:
		gen.Annotated[*ocorev1.PersistentVolumeClaim]("volume.kubernetes.io/selected-node", "a")(claim)
	}
	objs = append(objs, claim, gen.PersistentVolumeClaim("other", gen.ClaimOfClass("unknown"), gen.BoundTo(pick("v0", "v2", "v3"))))
	for _, obj := range objs {
		if claim, ok := obj.(*ocorev1.PersistentVolumeClaim); ok && claim.Status.Capacity != nil { // or else it depends on who is first whether it is told anew
			claim.Status.Capacity = gen.Storage(sizeOf(strings.TrimPrefix(claim.Spec.VolumeName, "v")))
		}
	}
	for i := range r.IntN(4) {
		objs = append(objs, anyVolume(pick, fmt.Sprint("v", i), class, i))
	}
	return objs
}

// sizeOf is the size of the volume of a number.
func sizeOf(number string) string { return "100" + number + "Mi" }

func anyVolume(pick func(...string) string, name, class string, i int) *ocorev1.PersistentVolume {
	v := gen.PersistentVolume(name, size(sizeOf(strconv.Itoa(i))), gen.VolumeOfClass(pick(class, class, class, "", "made")))
	v.Spec.PersistentVolumeReclaimPolicy = corev1.PersistentVolumeReclaimPolicy(pick("Retain", "Delete", "Recycle", "Burn"))
	v.Status.Phase = corev1.PersistentVolumePhase(pick("Pending", "Available", "Available", "Bound", "Released", "Failed"))
	v.Spec.PersistentVolumeSource = corev1.PersistentVolumeSource{CSI: &corev1.CSIPersistentVolumeSource{Driver: "d", VolumeHandle: name}}
	if v.Spec.PersistentVolumeReclaimPolicy == corev1.PersistentVolumeReclaimDelete && pick("nfs", "csi") == "nfs" {
		v.Spec.PersistentVolumeSource = corev1.PersistentVolumeSource{NFS: &corev1.NFSVolumeSource{Server: "s", Path: "/" + name}}
	}
	if pick("modes", "one", "one") == "modes" {
		v.Spec.AccessModes = append(v.Spec.AccessModes, corev1.ReadOnlyMany)
	}
	if pick("block", "file", "file", "file", "file") == "block" {
		mode := corev1.PersistentVolumeBlock
		v.Spec.VolumeMode = &mode
	}
	switch pick("free", "free", "data", "other", "gone", "old", "reserved") {
	case "data":
		gen.PreBound("data", "data")(v)
	case "other":
		gen.PreBound("other", "other")(v)
	case "gone":
		gen.PreBound("gone", "gone")(v)
	case "old":
		gen.PreBound("data", "old")(v)
	case "reserved":
		gen.PreBound("data", "")(v)
	}
	note := gen.Annotated[*ocorev1.PersistentVolume]
	if pick("yes", "no") == "yes" && v.Spec.ClaimRef != nil && v.Spec.ClaimRef.UID != "" {
		note("pv.kubernetes.io/bound-by-controller", "yes")(v)
	}
	if by := pick("", "", "", "example.com/disks", "kubernetes.io/aws-ebs", "kubernetes.io/rbd"); by != "" {
		note("pv.kubernetes.io/provisioned-by", by)(v)
	}
	return v
}

// ours is how our loops leave a world.
func ours(t *testing.T, objs []client.Object) string {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := apis.AddToScheme(scheme, apis.Kubernetes); err != nil {
		t.Fatal(err)
	}
	w := looptest.NewWorld(scheme)
	for _, obj := range objs {
		w.Put(obj.DeepCopyObject().(client.Object))
	}
	var loops []loop.Reconciler
	for _, l := range []loop.Loop{pvbinder.Loop(), pvreclaimer.Loop()} {
		for _, index := range l.Indexes() {
			if err := w.Index(index.Object, index.Field, index.Values); err != nil {
				t.Fatal(err)
			}
		}
		loops = append(loops, l.Reconciler(loop.Cluster{Client: w.Client(l.Name()), Clock: w.Clock(), SideBySide: 1}))
	}
	for before := int64(-1); before != w.Version(); {
		before = w.Version()
		pass(t, loops[0], looptest.All[*ocorev1.PersistentVolumeClaim](w))
		pass(t, loops[1], looptest.All[*ocorev1.PersistentVolume](w))
	}
	var left []client.Object
	for _, claim := range looptest.All[*ocorev1.PersistentVolumeClaim](w) {
		left = append(left, claim)
	}
	for _, v := range looptest.All[*ocorev1.PersistentVolume](w) {
		left = append(left, v)
	}
	return told(left)
}

func pass[T client.Object](t *testing.T, l loop.Reconciler, objs []T) {
	t.Helper()
	for _, obj := range objs {
		if _, err := l.Reconcile(t.Context(), reconcile.Request{NamespacedName: client.ObjectKeyFromObject(obj)}); err != nil {
			t.Fatal(err)
		}
	}
}

// runUpstream runs kube-controller-manager's controller on a world, until it has looked at everything a few times, and answers what
// tells how it leaves it.
func runUpstream(t *testing.T, objs []client.Object) func(context.Context) string {
	t.Helper()
	var upstream []runtime.Object
	for _, obj := range objs {
		upstream = append(upstream, asUpstream(obj.DeepCopyObject()))
	}
	set := versioned(upstream)
	factory := informers.NewSharedInformerFactory(set, 0)
	controller, err := persistentvolume.NewController(t.Context(), persistentvolume.ControllerParameters{
		KubeClient: set, SyncPeriod: 50 * time.Millisecond, EnableDynamicProvisioning: true,
		VolumePlugins:  append(hostpath.ProbeVolumePlugins(volume.VolumeConfig{}), nfs.ProbeVolumePlugins(volume.VolumeConfig{})...),
		VolumeInformer: factory.Core().V1().PersistentVolumes(), ClaimInformer: factory.Core().V1().PersistentVolumeClaims(),
		ClassInformer: factory.Storage().V1().StorageClasses(), PodInformer: factory.Core().V1().Pods(), NodeInformer: factory.Core().V1().Nodes(),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	ended := make(chan struct{})
	go func() { controller.Run(ctx); close(ended) }()
	t.Cleanup(func() { stop(); <-ended; factory.Shutdown() })
	for i := range 3 {
		passUpstream(t, set, fmt.Sprint(canary, i))
	}
	return func(ctx context.Context) string { return toldOf(ctx, t, set) }
}

// canary begins the names of what the controller is given to look at last.
const canary = "canary-"

// passUpstream waits until the controller has decided for a claim and a volume that come now: then it has for all that came before.
func passUpstream(t *testing.T, set *fake.Clientset, name string) {
	t.Helper()
	claim := gen.PersistentVolumeClaim(name, named("absent"), func(c *ocorev1.PersistentVolumeClaim) { c.Status.Phase = "" })
	v := gen.PersistentVolume(name, gen.VolumeOfClass(name), func(v *ocorev1.PersistentVolume) { v.Status.Phase = "" })
	claims, volumes := set.CoreV1().PersistentVolumeClaims(gen.Namespace), set.CoreV1().PersistentVolumes()
	if _, err := claims.Create(t.Context(), (*corev1.PersistentVolumeClaim)(claim), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := volumes.Create(t.Context(), (*corev1.PersistentVolume)(v), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	await.Success(t, "kube-controller-manager has decided for "+name, func() error {
		c, err := claims.Get(t.Context(), name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		v, err := volumes.Get(t.Context(), name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if c.Status.Phase == "" || v.Status.Phase == "" {
			return fmt.Errorf("the claim is %q, the volume %q", c.Status.Phase, v.Status.Phase)
		}
		return nil
	})
}

// versioned is a client of a world whose objects have versions, to which updates are locked.
func versioned(objs []runtime.Object) *fake.Clientset {
	var version atomic.Int64
	next := func(obj client.Object) { obj.SetResourceVersion(strconv.FormatInt(version.Add(1), 10)) }
	for _, obj := range objs {
		next(obj.(client.Object))
	}
	set := fake.NewClientset(objs...)
	set.PrependReactor("create", "*", func(action clienttesting.Action) (bool, runtime.Object, error) {
		next(action.(clienttesting.CreateAction).GetObject().(client.Object))
		return false, nil, nil
	})
	set.PrependReactor("update", "*", func(action clienttesting.Action) (bool, runtime.Object, error) {
		wanted := action.(clienttesting.UpdateAction).GetObject().(client.Object)
		stored, err := set.Tracker().Get(action.GetResource(), action.GetNamespace(), wanted.GetName())
		if err != nil {
			return true, nil, err
		}
		if stored.(client.Object).GetResourceVersion() != wanted.GetResourceVersion() {
			return true, nil, apierrors.NewConflict(action.GetResource().GroupResource(), wanted.GetName(), errors.New("it has changed"))
		}
		next(wanted)
		return false, nil, nil
	})
	return set
}

// asUpstream is an object as client-go knows it.
func asUpstream(obj runtime.Object) runtime.Object {
	switch obj := obj.(type) {
	case *ocorev1.PersistentVolumeClaim:
		return (*corev1.PersistentVolumeClaim)(obj)
	case *ocorev1.PersistentVolume:
		return (*corev1.PersistentVolume)(obj)
	case *ostoragev1.StorageClass:
		return (*storagev1.StorageClass)(obj)
	}
	return obj
}

// toldOf is what told says of a world of upstream's.
func toldOf(ctx context.Context, t *testing.T, set *fake.Clientset) string {
	t.Helper()
	claims, err := set.CoreV1().PersistentVolumeClaims(gen.Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	volumes, err := set.CoreV1().PersistentVolumes().List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var objs []client.Object
	for i := range claims.Items {
		objs = append(objs, (*ocorev1.PersistentVolumeClaim)(&claims.Items[i]))
	}
	for i := range volumes.Items {
		objs = append(objs, (*ocorev1.PersistentVolume)(&volumes.Items[i]))
	}
	return told(objs)
}

// told is all that a controller may change of claims and volumes, a line each, but for times.
func told(objs []client.Object) string {
	var lines []string
	for _, obj := range objs {
		switch obj := obj.(type) {
		case *ocorev1.PersistentVolumeClaim:
			lines = append(lines, fmt.Sprintf("claim %s of class %s has volume %q: %s, %v, %s, annotations %v", obj.Name, *obj.Spec.StorageClassName,
				obj.Spec.VolumeName, obj.Status.Phase, obj.Status.AccessModes, obj.Status.Capacity.Storage(), obj.Annotations))
		case *ocorev1.PersistentVolume:
			claim := "none"
			if ref := obj.Spec.ClaimRef; ref != nil {
				claim = fmt.Sprintf("%s/%s %q", ref.Namespace, ref.Name, ref.UID)
			}
			lines = append(lines, fmt.Sprintf("volume %s of class %s, %s, has claim %s: %s %q, annotations %v, finalizers %v", obj.Name, obj.Spec.StorageClassName,
				obj.Spec.PersistentVolumeReclaimPolicy, claim, obj.Status.Phase, obj.Status.Message, obj.Annotations, obj.Finalizers))
		}
	}
	lines = slices.DeleteFunc(lines, func(line string) bool { return strings.Contains(line, canary) })
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}
