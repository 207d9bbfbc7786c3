package snapshotkinds

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/client/clientset/clientset"
	typedapiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/client/clientset/clientset/typed/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"
)

// definitions are those of the kinds, as controller-gen writes them.
//
//go:embed definitions/*.yaml
var definitions embed.FS

const (
	// approved is the annotation without which no definition of a group of Kubernetes' own is taken.
	approved = "api-approved.kubernetes.io"
	// checksum is the annotation of a definition that we wrote: by it a later release sees that it has changed.
	checksum = "orrery.dev/definition-checksum"
)

// approvals are the values that external-snapshotter gives to the annotation, by the names of the kinds.
var approvals = map[string]string{
	"VolumeSnapshot":        "https://github.com/kubernetes-csi/external-snapshotter/pull/814",
	"VolumeSnapshotClass":   "https://github.com/kubernetes-csi/external-snapshotter/pull/814",
	"VolumeSnapshotContent": "https://github.com/kubernetes-csi/external-snapshotter/pull/955",
}

// Define installs the definitions of the kinds that a cluster does not have, and brings those of ours up to date. Those that somebody else
// has installed are left as they are. It does not wait until the kinds are served.
func Define(ctx context.Context, config *rest.Config) error {
	clients, err := apiextensions.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("making a client for definitions: %w", err)
	}
	wanted, err := Definitions()
	if err != nil {
		return err
	}
	for _, each := range wanted {
		if err := define(ctx, clients.ApiextensionsV1().CustomResourceDefinitions(), each); err != nil {
			return fmt.Errorf("installing CustomResourceDefinition %s: %w", each.Name, err)
		}
	}
	return nil
}

func define(ctx context.Context, client typedapiextensionsv1.CustomResourceDefinitionInterface, wanted *apiextensionsv1.CustomResourceDefinition) error {
	there, err := client.Get(ctx, wanted.Name, metav1.GetOptions{})
	switch sum := there.GetAnnotations()[checksum]; {
	case apierrors.IsNotFound(err):
		_, err := client.Create(ctx, wanted, metav1.CreateOptions{})
		return err
	case err != nil:
		return err
	case sum == "" || sum == wanted.Annotations[checksum]:
		return nil
	}
	there.Spec = wanted.Spec
	metav1.SetMetaDataAnnotation(&there.ObjectMeta, checksum, wanted.Annotations[checksum])
	_, err = client.Update(ctx, there, metav1.UpdateOptions{})
	return err
}

// Definitions are the definitions of the kinds.
func Definitions() ([]*apiextensionsv1.CustomResourceDefinition, error) {
	names, err := fs.Glob(definitions, "definitions/*.yaml")
	if err != nil {
		return nil, fmt.Errorf("listing the definitions of snapshots: %w", err)
	}
	var all []*apiextensionsv1.CustomResourceDefinition
	for _, name := range names {
		text, err := definitions.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("reading definition %s: %w", name, err)
		}
		read := &apiextensionsv1.CustomResourceDefinition{}
		if err := yaml.UnmarshalStrict(text, read); err != nil {
			return nil, fmt.Errorf("reading definition %s: %w", name, err)
		}
		sum := sha256.Sum256(text)
		metav1.SetMetaDataAnnotation(&read.ObjectMeta, approved, approvals[read.Spec.Names.Kind])
		metav1.SetMetaDataAnnotation(&read.ObjectMeta, checksum, hex.EncodeToString(sum[:]))
		all = append(all, read)
	}
	return all, nil
}
