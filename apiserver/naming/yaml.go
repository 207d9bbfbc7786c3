package naming

import (
	"bytes"

	yamlv3 "go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"github.com/orrery-dev/orrery/apis"
)

// yamlToFirst is toFirst for YAML. It works on the tree of the document, so that what a strict server complains about, as a
// key that stands twice, is still there to be complained about. JSON is YAML, and is left to toFirst.
func yamlToFirst(data []byte) []byte {
	if trimmed := bytes.TrimSpace(data); len(trimmed) > 0 && trimmed[0] == '{' {
		return toFirst(data)
	}
	var root yamlv3.Node
	if err := yamlv3.Unmarshal(data, &root); err != nil || len(root.Content) != 1 {
		return data // the server will say what is wrong with it
	}
	object := root.Content[0]
	changed := spellNode(fieldOf(object, "apiVersion"))
	metadata := fieldOf(object, "metadata")
	for _, name := range []string{"ownerReferences", "managedFields"} {
		if list := fieldOf(metadata, name); list != nil && list.Kind == yamlv3.SequenceNode {
			for _, element := range list.Content {
				changed = spellNode(fieldOf(element, "apiVersion")) || changed
			}
		}
	}
	if !changed {
		return data
	}
	spelled, err := yamlv3.Marshal(&root)
	if err != nil {
		return data
	}
	return spelled
}

// fieldOf is the value of a field of a mapping; nil if there is none.
func fieldOf(node *yamlv3.Node, name string) *yamlv3.Node {
	if node != nil && node.Kind == yamlv3.AliasNode {
		node = node.Alias
	}
	if node == nil || node.Kind != yamlv3.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == name {
			return node.Content[i+1]
		}
	}
	return nil
}

// spellNode spells an API version as the first name does, and reports whether that is another word.
func spellNode(node *yamlv3.Node) bool {
	if node == nil || node.Kind != yamlv3.ScalarNode {
		return false
	}
	gv, err := schema.ParseGroupVersion(node.Value)
	if err != nil {
		return false
	}
	spelled := schema.GroupVersion{Group: apis.Kubernetes.Group(gv.Group), Version: gv.Version}
	if spelled == gv {
		return false
	}
	node.Value = spelled.String()
	return true
}

// jsonToYAML is an answer in YAML.
func jsonToYAML(data []byte) ([]byte, error) { return yaml.JSONToYAML(data) }
