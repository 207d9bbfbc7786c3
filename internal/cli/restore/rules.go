package restore

import (
	"fmt"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// rules say, in this order, why an object is left out whoever controls it; each says nothing where it has nothing against it.
var rules = []func(*planner, *unstructured.Unstructured) string{
	heldThen,
	goingAway,
	ofItsNode,
	hasEnded,
	ofEveryNamespace,
	publishedForService,
	takenAnew,
}

// leftOut says why an object is left out, or nothing.
func (p *planner) leftOut(o *unstructured.Unstructured) string {
	for _, rule := range rules {
		if why := rule(p, o); why != "" {
			return why
		}
	}
	return p.madeAgain(o)
}

// heldThen leaves out who held what.
func heldThen(_ *planner, o *unstructured.Unstructured) string {
	if o.GroupVersionKind().GroupKind() != leaseKind {
		return ""
	}
	return "who held it then does not hold it now"
}

func goingAway(_ *planner, o *unstructured.Unstructured) string {
	if o.GetDeletionTimestamp() == nil {
		return ""
	}
	return "it was being deleted when the snapshot was taken"
}

// ofItsNode leaves out what a node keeps by itself: the mirrors of static pods.
func ofItsNode(_ *planner, o *unstructured.Unstructured) string {
	if owner := controllerOf(o); owner != nil && owner.Kind == "Node" && owner.APIVersion == "v1" {
		return fmt.Sprintf("node %s makes it by itself", owner.Name)
	}
	return ""
}

// hasEnded leaves out pods and Jobs that would run for a second time.
func hasEnded(_ *planner, o *unstructured.Unstructured) string {
	const again = "it had ended, and would run again"
	switch o.GroupVersionKind().GroupKind() {
	case podKind:
		if is := phase(o); is == string(corev1.PodSucceeded) || is == string(corev1.PodFailed) {
			return again
		}
	case jobKind:
		if isTrue(o, string(batchv1.JobComplete)) || isTrue(o, string(batchv1.JobFailed)) {
			return again
		}
	}
	return ""
}

// isTrue reports that a condition in a status is.
func isTrue(o *unstructured.Unstructured, condition string) bool {
	conditions, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions") // absent: nothing is known
	for _, c := range conditions {
		if c, ok := c.(map[string]any); ok && c["type"] == condition && c["status"] == string(metav1.ConditionTrue) {
			return true
		}
	}
	return false
}

// ofEveryNamespace leaves out the two objects that controllers make in each namespace, and that nothing marks as theirs.
func ofEveryNamespace(p *planner, o *unstructured.Unstructured) string {
	switch kind := o.GroupVersionKind().GroupKind(); {
	case kind == configMapKind && o.GetName() == "kube-root-ca.crt":
		return "every namespace is given the one of its cluster"
	case kind == accountKind && o.GetName() == "default" && !p.request.Overwrite:
		why := "every namespace is given one"
		if pulls, found, _ := unstructured.NestedSlice(o.Object, "imagePullSecrets"); found && len(pulls) > 0 { // absent: it has none
			why += "; this one had imagePullSecrets, which --overwrite puts back"
		}
		return why
	default:
		return ""
	}
}

// publishedForService leaves out the Endpoints that a controller makes of the pods of a Service. Nothing says so in them but their name.
func publishedForService(p *planner, o *unstructured.Unstructured) string {
	if o.GroupVersionKind().GroupKind() != endpointsKind {
		return ""
	}
	service := p.then[Ref{serviceKind, o.GetNamespace(), o.GetName()}]
	if service == nil {
		return ""
	}
	if selector, found, _ := unstructured.NestedMap(service.Object, "spec", "selector"); !found || len(selector) == 0 { // absent: a person makes them
		return ""
	}
	return fmt.Sprintf("it is made again for Service %s", o.GetName())
}

// takenAnew leaves out snapshots of volumes.
func takenAnew(_ *planner, o *unstructured.Unstructured) string {
	if o.GroupVersionKind().Group != snapshotGroup {
		return ""
	}
	return "it would be taken anew, of what its volume holds now"
}

// madeAgain leaves out what has a controller that is restored or there, and what was left out together with its controller. A controller
// that nobody asked for, and that is not there, makes nothing.
func (p *planner) madeAgain(o *unstructured.Unstructured) string {
	if why, known := p.again[o.GetUID()]; known {
		return why
	}
	p.again[o.GetUID()] = "" // for controllers in a circle
	p.again[o.GetUID()] = p.maker(o)
	return p.again[o.GetUID()]
}

// maker says who makes an object again.
func (p *planner) maker(o *unstructured.Unstructured) string {
	ref := controllerOf(o)
	if ref == nil || holdsData(o.GroupVersionKind().GroupKind()) && !isPod(*ref) {
		return ""
	}
	controller := ref.Kind + " " + ref.Name
	owner := p.thenByUID[ref.UID]
	if owner == nil {
		if p.ownerNow(*ref) != nil {
			return controller + " is there and makes it again"
		}
		return ""
	}
	if why := p.madeAgain(owner); why != "" {
		return why
	}
	why := p.leftOut(owner)
	switch {
	case p.request.wants(owner) && why == "":
		return controller + " makes it again"
	case p.now(owner) != nil:
		return controller + " is there and makes it again"
	case p.request.wants(owner):
		return fmt.Sprintf("it goes with %s, which is left out: %s", controller, why)
	default:
		return ""
	}
}

// isPod reports that an owner is a pod. A claim that a pod has as its controller ends with it.
func isPod(owner metav1.OwnerReference) bool {
	return owner.APIVersion == "v1" && owner.Kind == podKind.Kind
}
