package csi

import (
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	storagelisters "k8s.io/client-go/listers/storage/v1"
	fwk "k8s.io/kube-scheduler/framework"
)

// Manager gives out CSINodes as the API server last showed them.
type Manager struct{ nodes nodeLister }

var _ fwk.CSIManager = Manager{}

// NewManager returns a Manager that reads from a factory's informer of CSINodes. Whoever has the factory starts it.
func NewManager(factory informers.SharedInformerFactory) Manager {
	return Manager{nodeLister{factory.Storage().V1().CSINodes().Lister()}}
}

// CSINodes returns the lister. A CSINode has the name of its node; a node without one is not found there.
func (m Manager) CSINodes() fwk.CSINodeLister { return m.nodes }

type nodeLister struct{ storagelisters.CSINodeLister }

func (l nodeLister) List() ([]*storagev1.CSINode, error) {
	return l.CSINodeLister.List(labels.Everything())
}
