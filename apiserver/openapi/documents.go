package openapi

import (
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/emicklei/go-restful/v3"
	"k8s.io/apiserver/pkg/server/mux"
	"k8s.io/apiserver/pkg/server/routes"
	"k8s.io/kube-openapi/pkg/builder"
	"k8s.io/kube-openapi/pkg/common"
	"k8s.io/kube-openapi/pkg/common/restfuladapter"
	"k8s.io/kube-openapi/pkg/handler"
)

// keep is how long a document is kept after it was last asked for.
const keep = 2 * time.Minute

const (
	v2Path = "/openapi/v2"
	v3Path = "/openapi/v3"
)

// documents are those of one server.
type documents struct {
	container *restful.Container
	// Builders get copies of these: they leave something in them.
	v2 common.Config
	v3 common.OpenAPIV3Config

	hash func() string

	mutex sync.Mutex
	built map[string]*document
}

// document is one that has been built.
type document struct {
	http.Handler
	forget *time.Timer
}

// Install serves, at the paths of a server, the documents of the kinds whose routes are in its container. The server has to be
// told to leave them out: see SkipOpenAPIInstallation of its configuration.
func Install(container *restful.Container, paths *mux.PathRecorderMux, v2 *common.Config, v3 *common.OpenAPIV3Config) {
	newDocuments(container, v2, v3).install(paths)
}

func newDocuments(container *restful.Container, v2 *common.Config, v3 *common.OpenAPIV3Config) *documents {
	d := &documents{container: container, v2: *v2, v3: *v3, built: map[string]*document{}}
	Forget(&d.v2, &d.v3)
	d.hash = sync.OnceValue(d.sum)
	return d
}

// Forget takes out of configurations what upstream's builders have left in them, which is all definitions. Who builds by them
// again makes them again.
func Forget(v2 *common.Config, v3 *common.OpenAPIV3Config) {
	v3.Definitions = nil
	v2.GetOperationIDAndTagsFromRoute, v3.GetOperationIDAndTagsFromRoute = nil, nil // a builder's closures, which hold the builder
}

func (d *documents) install(paths *mux.PathRecorderMux) {
	paths.Handle(v2Path, http.HandlerFunc(d.serveV2))
	paths.Handle(v3Path, http.HandlerFunc(d.serveIndex))
	paths.HandlePrefix(v3Path+"/", http.HandlerFunc(d.serveV3))
}

// serve answers with the document of a name, which is built if nobody has asked for it lately.
func (d *documents) serve(w http.ResponseWriter, r *http.Request, name string, build func() (http.Handler, error)) {
	found, err := d.get(name, build)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	found.ServeHTTP(w, r)
}

func (d *documents) get(name string, build func() (http.Handler, error)) (http.Handler, error) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if found := d.built[name]; found != nil {
		found.forget.Reset(keep)
		return found, nil
	}
	made, err := build()
	if err != nil {
		return nil, err
	}
	d.built[name] = &document{made, time.AfterFunc(keep, func() { d.drop(name) })}
	return made, nil
}

func (d *documents) drop(name string) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	delete(d.built, name)
}

// serveV2 serves the one document of version 2.
func (d *documents) serveV2(w http.ResponseWriter, r *http.Request) { d.serve(w, r, v2Path, d.buildV2) }

func (d *documents) buildV2() (http.Handler, error) {
	config := d.v2
	spec, err := builder.BuildOpenAPISpecFromRoutes(restfuladapter.AdaptWebServices(d.container.RegisteredWebServices()), &config)
	if err != nil {
		return nil, fmt.Errorf("building the OpenAPI document of version 2: %w", err)
	}
	spec.Definitions = handler.PruneDefaults(spec.Definitions)
	served := mux.NewPathRecorderMux("openapi-v2")
	handler.NewOpenAPIService(spec).RegisterOpenAPIVersionedService(v2Path, served)
	return served, nil
}

// buildV3 builds the document of one API version, by upstream's own way for all of them.
func (d *documents) buildV3(service *restful.WebService) (http.Handler, error) {
	config := d.v3
	alone := restful.NewContainer()
	alone.Add(service)
	served := mux.NewPathRecorderMux("openapi-v3")
	routes.OpenAPI{V3Config: &config}.InstallV3(alone, served)
	return served, nil
}
