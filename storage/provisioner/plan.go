package provisioner

import (
	"errors"
	"fmt"
	"slices"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	ostoragev1 "github.com/orrery-dev/orrery/apis/storage/v1"
	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/component-helpers/storage/volume"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
)

// patience is how long a claim waits that cannot have its volume yet, as one whose source is not ready.
const patience = 5 * time.Second

// BeingProvisioned is the finalizer of a claim for whose volume the driver is asked. It keeps the claim until what the driver has made is
// written down: else nobody would know of that, where the claim is deleted meanwhile or the process ends.
const BeingProvisioned = "storage.orrery.dev/being-provisioned"

// Plan has the driver make the claim's volume, if it is for this driver and here.
func (c Controller) Plan(claim *ocorev1.PersistentVolumeClaim, w world, _ time.Time) *plan.Plan {
	p := plan.New()
	waiting, asked := isWaiting(claim), isAskedFor(claim)
	if !c.isHanded(claim) || !waiting && !asked {
		return p
	}
	node := claim.Annotations[volume.AnnSelectedNode]
	switch {
	case w.made && asked && (claim.DeletionTimestamp != nil || claim.Status.Phase == corev1.ClaimBound):
		p.RemoveFinalizer("its volume is written down", claim, BeingProvisioned)
	case w.made: // that it is asked for is taken back afterwards, and not in the binder's way
		p.Because("its volume is there, and the binder is to bind it")
	case w.class == nil:
		c.giveUp(p, claim, "there is no class "+classOf(claim))
	case w.class.Provisioner != c.Name:
		c.giveUp(p, claim, "class "+w.class.Name+" is of another provisioner by now")
	case node == "" && waits(w):
		p.Because("the scheduler has chosen no node yet")
	case node == "":
		c.take(p, claim, w.class)
	case !c.isHere(claim):
		p.Because("its volume is made on node " + node)
	case sourceNode(w) != "" && !asked:
		choose(p, claim, sourceNode(w), w.refused.Error())
	default:
		c.provision(p, claim, w)
	}
	return p
}

// sourceNode is the node on which the source of a volume is, where it is not here; empty where it is, no node is known, or the class does not
// allow volumes everywhere: which nodes it allows, only those know who make volumes there.
func sourceNode(w world) string {
	var far *elsewhere
	if errors.As(w.refused, &far) && len(w.class.AllowedTopologies) == 0 {
		return far.node()
	}
	return ""
}

// choose has the volume of a claim made on a node, to which the scheduler then brings the pod.
func choose(p *plan.Plan, claim *ocorev1.PersistentVolumeClaim, node, why string) {
	chosen := claim.DeepCopy()
	metav1.SetMetaDataAnnotation(&chosen.ObjectMeta, volume.AnnSelectedNode, node)
	p.Patch(why, claim, chosen)
}

// giveUp leaves a claim without its volume. One that is being deleted is let go: how to ask for what may have been made is not known any
// more.
func (c Controller) giveUp(p *plan.Plan, claim *ocorev1.PersistentVolumeClaim, why string) {
	if isWaiting(claim) {
		p.Because(why)
		return
	}
	p.RemoveFinalizer(why, claim, BeingProvisioned)
}

// waits says that volumes of the class are made when the scheduler has chosen a node.
func waits(w world) bool {
	mode := w.class.VolumeBindingMode
	return mode != nil && *mode == storagev1.VolumeBindingWaitForFirstConsumer
}

// take has the volume of a claim made here that may be on any node, or on any that its class allows. Of several provisioners one is first:
// the patch is locked.
func (c Controller) take(p *plan.Plan, claim *ocorev1.PersistentVolumeClaim, class *ostoragev1.StorageClass) {
	if c.Place.Default() == "" {
		p.Because("its volume may be anywhere, and is not made here")
		return
	}
	node := c.allowed(class)
	if node == "" {
		p.Because("class " + class.Name + " allows no topology that volumes are made for here")
		return
	}
	choose(p, claim, node, "its class binds at once, and no node is chosen")
}

// allowed is a node that a class allows volumes on and that they are made for here: the usual one, or one that the class names; empty where there
// is none.
func (c Controller) allowed(class *ostoragev1.StorageClass) string {
	nodes := []string{c.Place.Default()}
	for _, term := range class.AllowedTopologies {
		for _, each := range term.MatchLabelExpressions {
			nodes = append(nodes, each.Values...)
		}
	}
	for _, node := range nodes {
		if segments, ok := c.Place.Segments(node); ok && allows(class, segments) {
			return node
		}
	}
	return ""
}

// allows says whether a class allows volumes in some segments of the topology: in all of it, where it names none.
func allows(class *ostoragev1.StorageClass, segments map[string]string) bool {
	if len(class.AllowedTopologies) == 0 {
		return true
	}
	return slices.ContainsFunc(class.AllowedTopologies, func(term corev1.TopologySelectorTerm) bool {
		for _, each := range term.MatchLabelExpressions {
			if !slices.Contains(each.Values, segments[each.Key]) {
				return false
			}
		}
		return true
	})
}

// provision makes the volume, or says why it cannot. That the driver is asked is noted before.
func (c Controller) provision(p *plan.Plan, claim *ocorev1.PersistentVolumeClaim, w world) {
	request, err := c.request(claim, w)
	if err == nil {
		err = w.refused
	}
	switch {
	case err != nil && isWaiting(claim):
		p.EventOnce(claim, plan.Warning, reasonFailed, "%s", failure(w.class.Name, err))
		p.After(patience, "then it may be possible")
		return
	case err != nil:
		c.giveUp(p, claim, err.Error())
		return
	}
	asked := claim.DeepCopy()
	controllerutil.AddFinalizer(asked, BeingProvisioned)
	p.Patch("its driver is asked for a volume", claim, asked)
	p.Event(claim, plan.Normal, reasonProvisioning, "External provisioner is provisioning volume for claim %q", claim.Namespace+"/"+claim.Name)
	p.Do(&provision{
		driver: c.Driver, claim: asked, class: w.class, request: request,
		why: fmt.Sprintf("class %s is provisioned by %s, on node %s", w.class.Name, c.Name, claim.Annotations[volume.AnnSelectedNode]),
	})
}
