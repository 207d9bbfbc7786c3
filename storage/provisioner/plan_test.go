package provisioner

import (
	"strings"
	"testing"
	"time"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"github.com/google/go-cmp/cmp"
	snapshotv1 "github.com/kubernetes-csi/external-snapshotter/client/v8/apis/volumesnapshot/v1"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	ostoragev1 "github.com/orrery-dev/orrery/apis/storage/v1"
	"github.com/orrery-dev/orrery/framework/plan"
	"github.com/orrery-dev/orrery/storage/simulated"
	"github.com/orrery-dev/orrery/storage/snapshotkinds"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/component-helpers/storage/volume"
)

func size(s string) *resource.Quantity {
	q := resource.MustParse(s)
	return &q
}

func class(name string, mode storagev1.VolumeBindingMode) *ostoragev1.StorageClass {
	policy := corev1.PersistentVolumeReclaimDelete
	return &ostoragev1.StorageClass{
		ObjectMeta: metav1.ObjectMeta{Name: name}, Provisioner: driverName, VolumeBindingMode: &mode, ReclaimPolicy: &policy, AllowVolumeExpansion: new(true),
	}
}

type change = func(*ocorev1.PersistentVolumeClaim)

func claim(name, class string, changes ...change) *ocorev1.PersistentVolumeClaim {
	mode := corev1.PersistentVolumeFilesystem
	c := &ocorev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name},
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}, StorageClassName: &class, VolumeMode: &mode,
			Resources: corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: *size("1Gi")}},
		},
		Status: corev1.PersistentVolumeClaimStatus{Phase: corev1.ClaimPending},
	}
	for _, change := range changes {
		change(c)
	}
	return c
}

func note(key, value string) change {
	return func(c *ocorev1.PersistentVolumeClaim) { metav1.SetMetaDataAnnotation(&c.ObjectMeta, key, value) }
}

var (
	handed = note(volume.AnnStorageProvisioner, driverName)
	placed = note(volume.AnnSelectedNode, here.Name)
	asked  = func(c *ocorev1.PersistentVolumeClaim) { c.Finalizers = []string{BeingProvisioned} }
	gone   = func(c *ocorev1.PersistentVolumeClaim) { c.DeletionTimestamp = new(metav1.Now()) }
	bound  = func(c *ocorev1.PersistentVolumeClaim) {
		c.Spec.VolumeName, c.Status.Phase = "pvc-data", corev1.ClaimBound
	}
	known = func(c *ocorev1.PersistentVolumeClaim) { c.UID = types.UID(c.Name) }
)

// provisioning is the step of a plan that makes a volume.
func provisioning(p *plan.Plan) *provision {
	for _, step := range p.Steps() {
		if step, is := step.(*provision); is {
			return step
		}
	}
	return nil
}

func controller() Controller { return Controller{(&simulated.Controller{}).Driver(driverName, here)} }

func TestPlan(t *testing.T) {
	waits, now := class("waits", storagev1.VolumeBindingWaitForFirstConsumer), class("now", storagev1.VolumeBindingImmediate)
	const notes = `patch PersistentVolumeClaim default/data {"metadata":{"finalizers":["storage.orrery.dev/being-provisioned"]}}: its driver is asked for a volume` + "\n"
	const lets = "remove finalizer storage.orrery.dev/being-provisioned from PersistentVolumeClaim default/data: "
	const provisions = "event Normal Provisioning for PersistentVolumeClaim default/data: External provisioner is provisioning volume for claim \"default/data\"\n" +
		"provision volume pvc-data of 1Gi for PersistentVolumeClaim default/data: class waits is provisioned by disks.example.com, on node one"
	other := waits.DeepCopy()
	other.Provisioner = "other.example.com"
	allowing := func(key string, values ...string) *ostoragev1.StorageClass {
		some := now.DeepCopy()
		some.AllowedTopologies = []corev1.TopologySelectorTerm{
			{MatchLabelExpressions: []corev1.TopologySelectorLabelRequirement{{Key: "rack", Values: []string{"nowhere"}}}},
			{MatchLabelExpressions: []corev1.TopologySelectorLabelRequirement{{Key: key, Values: values}}},
		}
		return some
	}
	far := &elsewhere{what: "snapshot s", at: "two", here: "one"}
	secret := waits.DeepCopy()
	secret.Parameters = map[string]string{"csi.storage.k8s.io/provisioner-secret-name": "s"}
	for _, tt := range []struct {
		name    string
		changes []change
		w       world
		want    string
	}{
		{"a claim that nobody handed to the driver is left alone", nil, world{class: waits}, "nothing to do"},
		{"so is one of another driver", []change{note(volume.AnnStorageProvisioner, "other")}, world{class: waits}, "nothing to do"},
		{"so is one that has a volume", []change{handed, placed, func(c *ocorev1.PersistentVolumeClaim) { c.Spec.VolumeName = "v" }}, world{class: waits}, "nothing to do"},
		{"so is one that is being deleted", []change{handed, placed, func(c *ocorev1.PersistentVolumeClaim) { c.DeletionTimestamp = new(metav1.Now()) }}, world{class: waits}, "nothing to do"},
		{"one whose class is gone waits", []change{handed, placed}, world{}, "nothing to do: there is no class waits"},
		{"one whose class is another driver's waits", []change{handed, placed}, world{class: other}, "nothing to do: class waits is of another provisioner by now"},
		{"one whose volume is there is the binder's", []change{handed, placed}, world{class: waits, made: true}, "nothing to do: its volume is there, and the binder is to bind it"},
		{"one that no node is chosen for waits", []change{handed}, world{class: waits}, "nothing to do: the scheduler has chosen no node yet"},
		{"one that is for another node is made there", []change{handed, note(volume.AnnSelectedNode, "two")}, world{class: waits}, "nothing to do: its volume is made on node two"},
		{"one that binds at once is taken", []change{handed}, world{class: now},
			`patch PersistentVolumeClaim default/data {"metadata":{"annotations":{"volume.kubernetes.io/selected-node":"one"}}}: its class binds at once, and no node is chosen`},
		{"also where its class allows this node", []change{handed}, world{class: allowing("disks.example.com/node", "two", "one")},
			`patch PersistentVolumeClaim default/data {"metadata":{"annotations":{"volume.kubernetes.io/selected-node":"one"}}}: its class binds at once, and no node is chosen`},
		{"but not where its class allows only others", []change{handed}, world{class: allowing("disks.example.com/node", "two")},
			"nothing to do: class now allows no topology that volumes are made for here"},
		{"nor where nothing here has what its class asks for", []change{handed}, world{class: allowing("zone", "one")},
			"nothing to do: class now allows no topology that volumes are made for here"},
		{"one that is for this node is provisioned, which is noted first", []change{handed, placed}, world{class: waits}, notes + provisions},
		{"one that is to be a copy of what lies on another node is made there", []change{handed, placed}, world{class: waits, refused: far},
			`patch PersistentVolumeClaim default/data {"metadata":{"annotations":{"volume.kubernetes.io/selected-node":"two"}}}: snapshot s is at two, and the volume is to be made at one`},
		{"but waits where its class may not allow that", []change{handed, placed}, world{class: allowing("disks.example.com/node", "one"), refused: far},
			"nothing to do\nlook again in 5s: then it may be possible\nevent Warning ProvisioningFailed for PersistentVolumeClaim default/data: " +
				`failed to provision volume with StorageClass "now": snapshot s is at two, and the volume is to be made at one`},
		{"one that is noted is asked for again", []change{handed, placed, asked}, world{class: waits}, provisions},
		{"also while it is being deleted: who knows what was made", []change{handed, placed, asked, gone}, world{class: waits}, provisions},
		{"one that is bound to its volume is let go", []change{handed, placed, asked, bound}, world{class: waits, made: true}, lets + "its volume is written down"},
		{"so is one that is deleted when its volume is there", []change{handed, placed, asked, gone}, world{class: waits, made: true}, lets + "its volume is written down"},
		{"but not before it is bound: the binder is at it", []change{handed, placed, asked}, world{class: waits, made: true}, "nothing to do: its volume is there, and the binder is to bind it"},
		{"one that is deleted and cannot be asked for is let go", []change{handed, placed, asked, gone}, world{}, lets + "there is no class waits"},
		{"or whose source is gone", []change{handed, placed, asked, gone}, world{class: waits, refused: errSourceNotReady}, lets + "claim in dataSource not bound or invalid"},
		{"one whose source is not ready says so, and waits", []change{handed, placed}, world{class: waits, refused: errSourceNotReady},
			"nothing to do\nlook again in 5s: then it may be possible\nevent Warning ProvisioningFailed for PersistentVolumeClaim default/data: " +
				`failed to provision volume with StorageClass "waits": claim in dataSource not bound or invalid`},
		{"one of a class with secrets says so", []change{handed, placed}, world{class: secret},
			"nothing to do\nlook again in 5s: then it may be possible\nevent Warning ProvisioningFailed for PersistentVolumeClaim default/data: " +
				`failed to provision volume with StorageClass "waits": the class has the parameter csi.storage.k8s.io/provisioner-secret-name, and this provisioner reads no Secrets`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := controller().Plan(claim("data", "waits", append(tt.changes, known)...), tt.w, time.Time{})
			if got := told(p); got != tt.want {
				t.Errorf("the plan is\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

// told is a plan with what it says once.
func told(p *plan.Plan) string {
	lines := []string{p.String()}
	for _, step := range p.All() {
		if step.Verb() == "event" && !strings.Contains(lines[0], step.String()) {
			lines = append(lines, step.String()+": "+step.Why())
		}
	}
	return strings.Join(lines, "\n")
}

func TestOfManyNodesAVolumeGetsOneThatItsClassNames(t *testing.T) {
	some := class("some", storagev1.VolumeBindingImmediate)
	some.AllowedTopologies = []corev1.TopologySelectorTerm{{MatchLabelExpressions: []corev1.TopologySelectorLabelRequirement{
		{Key: corev1.LabelHostname, Values: []string{"real", "simulated-3"}},
	}}}
	c := Controller{(&simulated.Controller{}).Driver(driverName, simulated.Nodes{Prefix: "simulated-", First: "simulated-1"})}
	if node := c.allowed(some); node != "simulated-3" {
		t.Errorf("its node is %q, want the only one that is allowed", node)
	}
}

func TestTheVolumeIsExternalProvisioners(t *testing.T) {
	c := controller()
	claimed := claim("data", "waits", handed, placed, known)
	w := world{class: class("waits", storagev1.VolumeBindingWaitForFirstConsumer)}
	w.class.MountOptions = []string{"noatime"}
	p := c.Plan(claimed, w, time.Time{})
	step := provisioning(p)
	made, err := c.Create(t.Context(), step.request)
	if err != nil {
		t.Fatal(err)
	}
	mode := corev1.PersistentVolumeFilesystem
	want := &ocorev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{
			Name: "pvc-data", Finalizers: []string{"external-provisioner.volume.kubernetes.io/finalizer"},
			Annotations: map[string]string{
				"pv.kubernetes.io/provisioned-by":                            driverName,
				"volume.kubernetes.io/provisioner-deletion-secret-name":      "",
				"volume.kubernetes.io/provisioner-deletion-secret-namespace": "",
			},
		},
		Spec: corev1.PersistentVolumeSpec{
			Capacity:    corev1.ResourceList{corev1.ResourceStorage: *resource.NewQuantity(1<<30, resource.BinarySI)},
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}, MountOptions: []string{"noatime"}, VolumeMode: &mode,
			PersistentVolumeReclaimPolicy: corev1.PersistentVolumeReclaimDelete, StorageClassName: "waits",
			ClaimRef: &corev1.ObjectReference{APIVersion: "v1", Kind: "PersistentVolumeClaim", Namespace: "default", Name: "data", UID: "data"},
			PersistentVolumeSource: corev1.PersistentVolumeSource{CSI: &corev1.CSIPersistentVolumeSource{
				Driver: driverName, VolumeHandle: "pvc-data", VolumeAttributes: map[string]string{"storage.kubernetes.io/csiProvisionerIdentity": driverName},
			}},
			NodeAffinity: &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
				MatchExpressions: []corev1.NodeSelectorRequirement{{Key: "disks.example.com/node", Operator: "In", Values: []string{"one"}}},
			}}}},
		},
	}
	if diff := cmp.Diff(want, step.volume(made.GetVolume())); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestAccessModes(t *testing.T) {
	old, recent := controller(), controller()
	old.Driver = (&simulated.Controller{}).Driver(driverName, here)
	delete(old.Can, csi.ControllerServiceCapability_RPC_SINGLE_NODE_MULTI_WRITER)
	for mode, want := range map[corev1.PersistentVolumeAccessMode][2]csi.VolumeCapability_AccessMode_Mode{
		corev1.ReadWriteOnce:    {csi.VolumeCapability_AccessMode_SINGLE_NODE_WRITER, csi.VolumeCapability_AccessMode_SINGLE_NODE_MULTI_WRITER},
		corev1.ReadWriteOncePod: {csi.VolumeCapability_AccessMode_UNKNOWN, csi.VolumeCapability_AccessMode_SINGLE_NODE_SINGLE_WRITER},
		corev1.ReadOnlyMany:     {csi.VolumeCapability_AccessMode_MULTI_NODE_READER_ONLY, csi.VolumeCapability_AccessMode_MULTI_NODE_READER_ONLY},
		corev1.ReadWriteMany:    {csi.VolumeCapability_AccessMode_MULTI_NODE_MULTI_WRITER, csi.VolumeCapability_AccessMode_MULTI_NODE_MULTI_WRITER},
	} {
		if got := [2]csi.VolumeCapability_AccessMode_Mode{old.mode(mode), recent.mode(mode)}; got != want {
			t.Errorf("%s is %v, want %v", mode, got, want)
		}
	}
}

func TestWhatMayBeCopied(t *testing.T) {
	bound := func(c *ocorev1.PersistentVolumeClaim) { c.Status.Phase = corev1.ClaimBound }
	block := func(c *ocorev1.PersistentVolumeClaim) { c.Spec.VolumeMode = new(corev1.PersistentVolumeBlock) }
	larger := func(c *ocorev1.PersistentVolumeClaim) {
		c.Spec.Resources.Requests[corev1.ResourceStorage] = *size("2Gi")
	}
	for name, c := range map[string]struct {
		claim, from []change
		says        string
	}{
		"a claim that is bound":         {nil, []change{bound}, ""},
		"into a larger one":             {[]change{larger}, []change{bound}, ""},
		"not one that is not bound":     {nil, nil, "must have a status of Bound"},
		"not one that is being deleted": {nil, []change{bound, func(c *ocorev1.PersistentVolumeClaim) { c.DeletionTimestamp = new(metav1.Now()) }}, "currently being deleted"},
		"not a larger one":              {nil, []change{bound, larger}, "requested 1073741824 but source is 2147483648"},
		"not a block device as files":   {nil, []change{bound, block}, "Source is Block"},
		"not files as a block device":   {[]change{block}, []change{bound}, "Source is Filesystem"},
	} {
		err := notCopied(claim("to", "waits", c.claim...), claim("from", "waits", c.from...))
		if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
}

func TestAVolumeIsMadeWhereItsSourceLiesIfThatIsANode(t *testing.T) {
	for at, want := range map[string]string{"two": "two", simulated.Nodes{}.ID(): "", "": ""} {
		if node := (&elsewhere{what: "snapshot s", at: at, here: "one"}).node(); node != want {
			t.Errorf("of what is at %q the node is %q, want %q", at, node, want)
		}
	}
}

func TestWhatMayBeRestored(t *testing.T) {
	ready := func(bytes string) *snapshotv1.VolumeSnapshotStatus {
		return &snapshotv1.VolumeSnapshotStatus{ReadyToUse: new(true), RestoreSize: size(bytes)}
	}
	has := &snapshotv1.VolumeSnapshotContent{Status: &snapshotv1.VolumeSnapshotContentStatus{SnapshotHandle: new("s-1")}}
	far := has.DeepCopy()
	far.Labels = map[string]string{snapshotkinds.ManagedBy: "two"}
	for name, c := range map[string]struct {
		taken *snapshotv1.VolumeSnapshotStatus
		of    *snapshotv1.VolumeSnapshotContent
		says  string
	}{
		"a snapshot that is ready":        {ready("1Gi"), has, ""},
		"not one that is not ready":       {&snapshotv1.VolumeSnapshotStatus{}, has, "snapshot s is not Ready"},
		"not one without a handle":        {ready("1Gi"), &snapshotv1.VolumeSnapshotContent{}, "snapshot handle s is not available"},
		"not one of a larger volume":      {ready("2Gi"), has, "requested volume size 1073741824 is less than the size 2147483648 for the source snapshot s"},
		"not one that is on another node": {ready("1Gi"), far, "snapshot s is at two, and the volume is to be made at one"},
	} {
		taken := &snapshotv1.VolumeSnapshot{Status: c.taken}
		taken.Name = "s"
		err := controller().notRestored(taken, c.of, claim("to", "waits"))
		if c.says == "" && err != nil || c.says != "" && (err == nil || err.Error() != c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
}
