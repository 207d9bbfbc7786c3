package clustertrustbundlepublisher

import (
	"github.com/orrery-dev/orrery/framework/loop"
	certificatesv1 "k8s.io/api/certificates/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
)

// Who writes a bundle of a signer must be allowed to attest for it besides.
//
// +kubebuilder:rbac:groups=certificates.k8s.io,resources=clustertrustbundles,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=certificates.k8s.io,resources=signers,resourceNames=kubernetes.io/kube-apiserver-serving,verbs=attest

// Controller decides for the bundles of the API server.
type Controller struct {
	// rootCA are the certificates that are published, in PEM.
	rootCA string
}

var _ loop.GroupController[world] = Controller{}

// Loop is the controller with its watches. It publishes certificates, in PEM; where there are none, nothing.
func Loop(rootCA []byte) loop.Loop {
	return loop.NewGroup("kube-apiserver-serving-clustertrustbundle-publisher-controller", Controller{rootCA: string(rootCA)},
		loop.WatchesAll(&certificatesv1.ClusterTrustBundle{}, 0, predicate.NewPredicateFuncs(ours)),
		loop.AtStart(loop.All),
	)
}

// signer is whose bundles these are.
const signer = "kubernetes.io/kube-apiserver-serving"

// ours reports that an object is a bundle of the API server's.
func ours(obj client.Object) bool {
	bundle, ok := obj.(*certificatesv1.ClusterTrustBundle)
	return ok && bundle.Spec.SignerName == signer
}
