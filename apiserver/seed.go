package apiserver

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	clientv3 "go.etcd.io/etcd/client/v3"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/uuid"
)

// seedDefinitions writes the definitions of the second names, as established, into an etcd that holds nothing yet.
//
// Given to the API server one by one they are validated, tracked field by field, and written five times each, which on
// two cores takes longer than all the rest of a start. An API server that finds them in its storage is content with
// them. What is not there by now, or comes from another release, ensureDefinitions writes by the ordinary way.
func (e ExternalEtcd) seedDefinitions(ctx context.Context, client *clientv3.Client) error {
	definitions, err := readDefinitions()
	if err != nil {
		return err
	}
	return each(ctx, definitions, func(ctx context.Context, d *definition) error {
		wanted, err := d.decode()
		if err != nil {
			return err
		}
		establish(wanted)
		value, err := json.Marshal(wanted)
		if err != nil {
			return fmt.Errorf("encoding definition %s: %w", d.file, err)
		}
		key := "/" + strings.Trim(e.Prefix, "/") + "/apiextensions.k8s.io/customresourcedefinitions/" + wanted.Name
		_, err = client.Put(ctx, key, string(value))
		return err
	})
}

// establish fills in what the API server and its controllers would.
func establish(d *apiextensionsv1.CustomResourceDefinition) {
	now := metav1.Now()
	d.UID, d.CreationTimestamp, d.Generation = uuid.NewUUID(), now, 1
	d.Status.AcceptedNames = d.Spec.Names
	for _, version := range d.Spec.Versions {
		if version.Storage {
			d.Status.StoredVersions = []string{version.Name}
		}
	}
	d.Status.Conditions = []apiextensionsv1.CustomResourceDefinitionCondition{
		{Type: apiextensionsv1.NamesAccepted, Status: apiextensionsv1.ConditionTrue, LastTransitionTime: now, Reason: "NoConflicts", Message: "no conflicts found"},
		{Type: apiextensionsv1.Established, Status: apiextensionsv1.ConditionTrue, LastTransitionTime: now, Reason: "InitialNamesAccepted", Message: "the initial names have been accepted"},
	}
}
