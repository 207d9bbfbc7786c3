package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

func TestFinish(t *testing.T) {
	for name, c := range map[string]struct{ given, want string }{
		"requires the keys of a list map that have no default": {
			given: `{type: array, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [port, protocol],
        items: {type: object, properties: {port: {type: integer}, protocol: {type: string, default: TCP}}}}`,
			want: `{type: array, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [port, protocol],
        items: {type: object, required: [port], properties: {port: {type: integer}, protocol: {type: string, default: TCP}}}}`,
		},
		"lets a required list be null": {
			given: `{type: object, required: [drivers, name], properties: {drivers: {type: array}, name: {type: string}}}`,
			want:  `{type: object, required: [drivers, name], properties: {drivers: {type: array, nullable: true}, name: {type: string}}}`,
		},
		"requires nothing in a status": {
			given: `{type: object, required: [spec], properties: {status: {type: object, required: [nodeInfo], properties: {
        nodeInfo: {type: object, required: [kubeProxyVersion]}}}}}`,
			want: `{type: object, required: [spec], properties: {status: {type: object, properties: {nodeInfo: {type: object}}}}}`,
		},
		"requires in a status only the keys of its list maps": {
			given: `{type: object, properties: {status: {type: object, properties: {conditions: {type: array,
        x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [type],
        items: {type: object, required: [status, type], properties: {type: {type: string}, status: {type: string}}}}}}}}`,
			want: `{type: object, properties: {status: {type: object, properties: {conditions: {type: array,
        x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [type],
        items: {type: object, required: [type], properties: {type: {type: string}, status: {type: string}}}}}}}}`,
		},
		"types the elements of a list that nests itself": {
			given: `{type: array, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [name], items: {}}`,
			want: `{type: array, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [name], items: {
        type: object, x-kubernetes-preserve-unknown-fields: true, required: [name], properties: {name: {type: string}}}}`,
		},
		"bounds a string that has rules": {
			given: `{type: object, properties: {a: {type: string, x-kubernetes-validations: [{rule: self != ""}]}, b: {type: string}}}`,
			want:  `{type: object, properties: {a: {type: string, maxLength: 253, x-kubernetes-validations: [{rule: self != ""}]}, b: {type: string}}}`,
		},
		"gives a pod the default scheduler": {
			given: `{type: object, properties: {spec: {type: object, properties: {schedulerName: {type: string}}}}}`,
			want:  `{type: object, properties: {spec: {type: object, properties: {schedulerName: {type: string, default: default-scheduler}}}}}`,
		},
		"leaves the metadata of the object itself alone": {
			given: `{type: object, properties: {metadata: {type: object}}}`,
			want:  `{type: object, properties: {metadata: {type: object}}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, want := parseSchema(t, c.given), parseSchema(t, c.want)
			finish(got)
			if diff := cmp.Diff(want, normal(t, got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestFinishGivesTemplatesTheirWholeMetadata(t *testing.T) {
	root := parseSchema(t, `{type: object, properties: {spec: {type: object, properties: {template: {type: object,
		properties: {metadata: {type: object, properties: {finalizers: {type: array}, labels: {type: object}}}}}}}}}`)
	finish(root)
	metadata := root.at("properties").at("spec").at("properties").at("template").at("properties").at("metadata")
	created := metadata.at("properties").at("creationTimestamp")
	if created["nullable"] != true {
		t.Errorf("creationTimestamp in a template is %v, want nullable", created)
	}
	once := normal(t, root)
	finish(root)
	if diff := cmp.Diff(once, normal(t, root)); diff != "" {
		t.Errorf("finishing twice changes something:\n%s", diff)
	}
}

func TestWithoutSchemaKeepsNamesColumnsAndSubresources(t *testing.T) {
	crd := parseSchema(t, `{spec: {names: {kind: Pod, shortNames: [opo]}, versions: [{name: v1, served: true,
		additionalPrinterColumns: [{name: Age, jsonPath: .metadata.creationTimestamp}], subresources: {status: {}},
		selectableFields: [{jsonPath: .spec.nodeName}],
		schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {nodeName: {type: string}}}}}}}]}}`)
	withoutSchema(crd)
	want := parseSchema(t, `{spec: {names: {kind: Pod, shortNames: [opo]}, versions: [{name: v1, served: true,
		additionalPrinterColumns: [{name: Age, jsonPath: .metadata.creationTimestamp}], subresources: {status: {}},
		schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]}}`)
	if diff := cmp.Diff(want, normal(t, crd)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func parseSchema(t *testing.T, text string) object {
	t.Helper()
	var schema object
	if err := yaml.Unmarshal([]byte(text), &schema); err != nil {
		t.Fatal(err)
	}
	return schema
}

// normal returns the schema as it is once written and read.
func normal(t *testing.T, schema object) object {
	t.Helper()
	text, err := yaml.Marshal(schema)
	if err != nil {
		t.Fatal(err)
	}
	return parseSchema(t, string(text))
}

func TestOnlySecondNamesLoseTheirSchema(t *testing.T) {
	for text, want := range map[string]bool{
		"{spec: {group: apps.orrery.dev, names: {kind: Deployment}}}":         true,
		"{spec: {group: housekeeping.orrery.dev, names: {kind: JobHistory}}}": false,
	} {
		var crd object
		if err := yaml.Unmarshal([]byte(text), &crd); err != nil {
			t.Fatal(err)
		}
		if got := hasFirstName(crd); got != want {
			t.Errorf("%s has a first name: %t, want %t", text, got, want)
		}
	}
}
