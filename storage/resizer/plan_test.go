package resizer

import (
	"testing"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/storage/driver"
	"github.com/orrery-dev/orrery/storage/simulated"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const name = "disks.example.com"

func storage(size string) corev1.ResourceList {
	return corev1.ResourceList{corev1.ResourceStorage: resource.MustParse(size)}
}

func claim(wants, has string) *ocorev1.PersistentVolumeClaim {
	return &ocorev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "data", UID: "data"},
		Spec: corev1.PersistentVolumeClaimSpec{
			VolumeName: "v", Resources: corev1.VolumeResourceRequirements{Requests: storage(wants)},
		},
		Status: corev1.PersistentVolumeClaimStatus{Phase: corev1.ClaimBound, Capacity: storage(has)},
	}
}

func volume(has string) *ocorev1.PersistentVolume {
	return &ocorev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: "v"},
		Spec: corev1.PersistentVolumeSpec{
			Capacity:               storage(has),
			PersistentVolumeSource: corev1.PersistentVolumeSource{CSI: &corev1.CSIPersistentVolumeSource{Driver: name, VolumeHandle: "v"}},
		},
	}
}

// TestTheSizeThatIsAskedFor: what the driver was asked for goes on, unless it has refused it for good.
func TestTheSizeThatIsAskedFor(t *testing.T) {
	const (
		inProgress = corev1.PersistentVolumeClaimControllerResizeInProgress
		infeasible = corev1.PersistentVolumeClaimControllerResizeInfeasible
		pending    = corev1.PersistentVolumeClaimNodeResizePending
	)
	for what, c := range map[string]struct {
		asked  string
		status corev1.ClaimResourceStatus
		volume string
		want   string
		onNode bool
	}{
		"at first it is what the claim requests":              {"", "", "1Gi", "3Gi", false},
		"what was asked for before comes first":               {"2Gi", inProgress, "1Gi", "2Gi", false},
		"also when the volume has it, and the claim does not": {"2Gi", inProgress, "2Gi", "2Gi", false},
		"what was refused for good does not":                  {"9Gi", infeasible, "1Gi", "3Gi", false},
		"on the node there is nothing to ask for":             {"2Gi", pending, "2Gi", "2Gi", true},
		"unless the volume was not told of":                   {"2Gi", pending, "1Gi", "2Gi", false},
	} {
		claim := claim("3Gi", "1Gi")
		if c.asked != "" {
			claim.Status.AllocatedResources = storage(c.asked)
			become(claim, c.status)
		}
		size, onNode := sizeFor(claim, volume(c.volume))
		if size.String() != c.want || onNode != c.onNode {
			t.Errorf("%s: it is %s, on the node: %t; want %s, %t", what, size.String(), onNode, c.want, c.onNode)
		}
	}
}

func TestPlan(t *testing.T) {
	c := Controller{(&simulated.Controller{}).Driver(name, driver.Node{Name: "one"})}
	const want = `status PersistentVolumeClaim default/data {"status":{"allocatedResourceStatuses":{"storage":"ControllerResizeInProgress"},"allocatedResources":{"storage":"3Gi"},"conditions":[{"lastProbeTime":null,"lastTransitionTime":"2030-01-02T03:04:05Z","status":"True","type":"Resizing"}]}}
event Normal Resizing for PersistentVolumeClaim default/data: External resizer is resizing volume v
have disks.example.com make the volume of PersistentVolume v larger, to 3Gi: the claim requests 3Gi and has 1Gi`
	if got := c.Plan(claim("3Gi", "1Gi"), world{volume("1Gi")}, time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)).String(); got != want {
		t.Errorf("the plan is\n%s\nwant\n%s", got, want)
	}
	if got := c.Plan(claim("3Gi", "1Gi"), world{}, time.Time{}).String(); got != "nothing to do" {
		t.Errorf("without a volume of the driver the plan is\n%s", got)
	}
}

func TestWhatIsSaidOfResizing(t *testing.T) {
	now := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	before := claim("3Gi", "1Gi")
	before.Status.Conditions = []corev1.PersistentVolumeClaimCondition{{Type: "Other", Status: corev1.ConditionTrue}}
	asked := inProgress(before, resource.MustParse("3Gi"), now)
	if later := inProgress(asked, resource.MustParse("3Gi"), now.Add(time.Hour)); !later.Status.Conditions[1].LastTransitionTime.Time.Equal(now) {
		t.Error("a condition that goes on begins anew")
	}
	if pending := pendingOnNode(asked, now); len(pending.Status.Conditions) != 2 || pending.Status.Conditions[1].Type != corev1.PersistentVolumeClaimFileSystemResizePending {
		t.Errorf("on the node the conditions are %v", pending.Status.Conditions)
	}
	done := finished(asked, resource.MustParse("3Gi"))
	if len(done.Status.Conditions) != 1 || done.Status.AllocatedResourceStatuses != nil || done.Status.Capacity.Storage().String() != "3Gi" {
		t.Errorf("in the end it is %v", done.Status)
	}
	if before.Status.Capacity.Storage().String() != "1Gi" || len(before.Status.Conditions) != 1 {
		t.Error("the claim that was observed was changed")
	}
}
