package restore

import (
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
)

// prospect is what will become of a claim that is made again.
type prospect struct {
	// volume is the name of the volume that it asks for; empty for any.
	volume string
	// release: that volume has to let go of the claim that is no more.
	release bool
	// why is the sentence about it, and need what somebody has to do for it; each may be empty.
	why, need string
}

// prospect looks where the data of a claim is.
func (p *planner) prospect(then *unstructured.Unstructured) prospect {
	name := textAt(then, "spec", "volumeName")
	if name == "" {
		return prospect{}
	}
	ref := Ref{volumeKind, "", name}
	volume := p.world.Now[ref]
	if volume == nil {
		return p.lost(ref)
	}
	held := claimOf(volume)
	mine := held.UID == then.GetUID()
	switch {
	case held.Name == "":
		return prospect{volume: name, why: fmt.Sprintf("it is bound to volume %s again, which is free", name)}
	case held.UID == "" && held.Name == then.GetName() && held.Namespace == p.request.into():
		return prospect{volume: name, why: fmt.Sprintf("it is bound to volume %s again, which waits for it", name)}
	case mine && isReleased(volume) && p.request.RebindVolumes:
		return prospect{volume: name, release: true, why: fmt.Sprintf("it is bound to volume %s again, with what is in that", name)}
	case mine && isReleased(volume) && p.request.into() == p.request.Namespace:
		return prospect{
			volume: name, why: fmt.Sprintf("it waits for volume %s, which still has its data", name),
			need: fmt.Sprintf("it is Released: --rebind-volumes lets it go from the claim that is no more, so that %s is bound to it", then.GetName()),
		}
	default:
		return prospect{why: fmt.Sprintf("volume %s is claimed by %s/%s: another one is provisioned, and is empty", name, held.Namespace, held.Name)}
	}
}

// lost is the prospect of a claim whose volume is not there.
func (p *planner) lost(volume Ref) prospect {
	gone := prospect{why: fmt.Sprintf("volume %s is not there any more: another one is provisioned, and is empty", volume.Name)}
	then := p.world.Beyond[volume]
	if then != nil && textAt(then, "spec", "persistentVolumeReclaimPolicy") == string(corev1.PersistentVolumeReclaimRetain) {
		gone.need = "it is not there, and what it stood for was retained: " + p.howTo(volume)
	}
	return gone
}

// claimOf is the claim that a volume belongs to; the zero value for none.
func claimOf(volume *unstructured.Unstructured) corev1.ObjectReference {
	return corev1.ObjectReference{
		Namespace: textAt(volume, "spec", "claimRef", "namespace"), Name: textAt(volume, "spec", "claimRef", "name"),
		UID: types.UID(textAt(volume, "spec", "claimRef", "uid")),
	}
}

// rebinds lets a volume go from a claim that is no more, for one that is made or that waits for it already.
func (p *planner) rebinds(then *unstructured.Unstructured) {
	coming := p.prospect(then)
	if !coming.release {
		return
	}
	if now := p.now(then); now != nil && textAt(now, "spec", "volumeName") != coming.volume {
		return
	}
	volume := p.world.Now[Ref{volumeKind, "", coming.volume}]
	claim := map[string]any{"namespace": p.request.into(), "name": then.GetName(), "uid": nil, "resourceVersion": nil}
	p.patch(volume, map[string]any{"spec": map[string]any{"claimRef": claim}},
		fmt.Sprintf("it is Released: let it go from the claim that is no more, for claim %s/%s", p.request.into(), then.GetName()))
}

// patch adds a step that patches an object, unless it is changed meanwhile.
func (p *planner) patch(now *unstructured.Unstructured, change map[string]any, why string) {
	metadata, _ := change["metadata"].(map[string]any)
	if metadata == nil {
		metadata = map[string]any{}
		change["metadata"] = metadata
	}
	metadata["resourceVersion"] = now.GetResourceVersion()
	content, err := json.Marshal(change)
	if err != nil {
		panic(err) // texts in maps always can be
	}
	p.plan.Steps = append(p.plan.Steps, Step{Entry: entry(now, why), Verb: Patch, patch: content})
}
