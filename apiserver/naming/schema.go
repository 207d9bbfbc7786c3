package naming

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/orrery-dev/orrery/apis"
)

const (
	// schemas is where the API has the schemas of each API version.
	schemas = "/openapi/v3/"
	// ofKind is the field by which a schema or an operation says of which kind it is.
	ofKind = "x-kubernetes-group-version-kind"
)

// schemaOf reads the path of a schema. ok is false if it is not that of the second names of a group and version.
func schemaOf(path string) (group, version string, ok bool) {
	rest, found := strings.CutPrefix(path, schemas+"apis/")
	if !found {
		return "", "", false
	}
	group, version, ok = strings.Cut(rest, "/")
	return group, version, ok && isSecond(group)
}

// serveSchema answers with the schema of the first names, with their descriptions, under the second ones.
func serveSchema(behind http.Handler, w http.ResponseWriter, r *http.Request, group, version string) {
	first := r.Clone(r.Context())
	place := "apis/" + apis.Kubernetes.Group(group) + "/" + version
	if apis.Kubernetes.Group(group) == "" {
		place = "api/" + version
	}
	first.URL.Path, first.URL.RawPath, first.URL.RawQuery = schemas+place, "", ""
	first.RequestURI = first.URL.RequestURI()
	for _, name := range []string{"Accept-Encoding", "If-None-Match", "If-Modified-Since", "Range"} {
		first.Header.Del(name)
	}
	first.Header.Set("Accept", mediaJSON)
	found := &recorded{header: http.Header{}, code: http.StatusOK}
	behind.ServeHTTP(found, first)
	data := found.bytes.Bytes()
	if found.code == http.StatusOK {
		var err error
		if data, err = renamed(data, schema.GroupVersion{Group: group, Version: version}); err != nil {
			refuse(w, refusal(http.StatusInternalServerError, metav1.StatusReasonInternalError, "reading the schema of %s/%s: %v", group, version, err))
			return
		}
	}
	for _, name := range []string{"Content-Type", "Www-Authenticate"} {
		if value := found.header.Get(name); value != "" {
			w.Header().Set(name, value)
		}
	}
	w.Header().Set("Content-Length", fmt.Sprint(len(data)))
	w.WriteHeader(found.code)
	_, _ = w.Write(data) // whether it arrived is for the client to find out
}

// renamed is a schema document of first names with the second names of those that have one, and no other paths.
func renamed(data []byte, second schema.GroupVersion) ([]byte, error) {
	var document map[string]any
	if err := json.Unmarshal(data, &document); err != nil {
		return nil, err
	}
	paths, _ := document["paths"].(map[string]any)
	mine := map[string]any{}
	for _, kind := range apis.Kinds() {
		if kind.GroupVersionKind(apis.Orrery).GroupVersion() != second {
			continue
		}
		first := prefix(kind)
		for path, operations := range paths {
			if rest, ok := strings.CutPrefix(path, first); ok && namesResource(rest, kind.Resource) {
				mine["/apis/"+second.String()+rest] = operations
			}
		}
	}
	document["paths"] = mine
	renameKinds(document)
	return json.Marshal(document)
}

// namesResource reports that a path below a group and version is for the objects of a resource.
func namesResource(path, resource string) bool {
	path = strings.TrimPrefix(path, "/watch")
	path = strings.TrimPrefix(path, "/namespaces/{namespace}")
	return path == "/"+resource || strings.HasPrefix(path, "/"+resource+"/")
}

// renameKinds gives kinds their second names wherever a schema or an operation says of which kind it is.
func renameKinds(node any) {
	switch node := node.(type) {
	case map[string]any:
		for name, value := range node {
			if name != ofKind {
				renameKinds(value)
				continue
			}
			kinds, several := value.([]any)
			if !several {
				kinds = []any{value}
			}
			for _, kind := range kinds {
				renameKind(kind)
			}
		}
	case []any:
		for _, value := range node {
			renameKinds(value)
		}
	}
}

func renameKind(kind any) {
	words, ok := kind.(map[string]any)
	if !ok {
		return
	}
	group, _ := words["group"].(string)
	name, _ := words["kind"].(string)
	if second, ok := secondGroups[group][name]; ok {
		words["group"] = second
	}
}

// recorded is an answer that nobody has got yet.
type recorded struct {
	header http.Header
	code   int
	bytes  bytes.Buffer
}

func (r *recorded) Header() http.Header            { return r.header }
func (r *recorded) WriteHeader(code int)           { r.code = code }
func (r *recorded) Write(data []byte) (int, error) { return r.bytes.Write(data) }
