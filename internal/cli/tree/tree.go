package tree

import (
	"cmp"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Node is an object of a tree. Its JSON is stable: fields may be added.
type Node struct {
	APIVersion string      `json:"apiVersion"`
	Kind       string      `json:"kind"`
	Namespace  string      `json:"namespace,omitempty"`
	Name       string      `json:"name"`
	UID        types.UID   `json:"uid"`
	Created    metav1.Time `json:"created,omitzero"`
	// Finalizers are what a deletion waits for; they are told of an object that is being deleted.
	Finalizers []string `json:"finalizers,omitempty"`
	// Status is one of kstatus: Current, InProgress, Failed, Terminating, Unknown; or NotFound for an owner that is gone.
	Status string `json:"status"`
	// Message says more, for people.
	Message string `json:"message,omitempty"`
	// Dependents name the object among their owners, sorted by kind and name.
	Dependents []*Node `json:"dependents,omitempty"`
}

// Tree is an object with its owners and its dependents.
type Tree struct {
	// Owners lead to the object, the farthest first. Of several owners of one object the controller counts, or else the first.
	Owners []*Node `json:"owners"`
	// Object has the dependents below it.
	Object *Node `json:"object"`
	// Unseen are kinds and objects that could not be looked at, each with the reason.
	Unseen []string `json:"unseen,omitempty"`
}

// Objects are all objects of the tree, owners included.
func (t *Tree) Objects() []*Node {
	nodes := slices.Clone(t.Owners)
	var add func(*Node)
	add = func(n *Node) {
		nodes = append(nodes, n)
		for _, dependent := range n.Dependents {
			add(dependent)
		}
	}
	add(t.Object)
	return nodes
}

func nodeOf(o *metav1.PartialObjectMetadata) *Node {
	n := &Node{
		APIVersion: o.APIVersion, Kind: o.Kind, Namespace: o.Namespace, Name: o.Name, UID: o.UID, Created: o.CreationTimestamp,
	}
	if o.DeletionTimestamp != nil {
		n.Finalizers = o.Finalizers
	}
	return n
}

// below hangs the dependents of an object among all that there are below it. Owners that own each other are shown once.
func below(n *Node, all []metav1.PartialObjectMetadata) {
	owned := map[types.UID][]*metav1.PartialObjectMetadata{}
	seen := map[types.UID]bool{n.UID: true}
	known := map[types.UID]bool{}
	for i := range all {
		o := &all[i]
		if known[o.UID] {
			continue // its other name
		}
		known[o.UID] = true
		for _, owner := range o.OwnerReferences {
			owned[owner.UID] = append(owned[owner.UID], o)
		}
	}
	var hang func(*Node)
	hang = func(n *Node) {
		for _, o := range owned[n.UID] {
			if seen[o.UID] {
				continue
			}
			seen[o.UID] = true
			n.Dependents = append(n.Dependents, nodeOf(o))
		}
		slices.SortFunc(n.Dependents, func(a, b *Node) int {
			return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
		})
		for _, dependent := range n.Dependents {
			hang(dependent)
		}
	}
	hang(n)
}

// ownerOf is the owner that counts, or nil.
func ownerOf(o *metav1.PartialObjectMetadata) *metav1.OwnerReference {
	if controller := metav1.GetControllerOf(o); controller != nil {
		return controller
	}
	if len(o.OwnerReferences) > 0 {
		return &o.OwnerReferences[0]
	}
	return nil
}
