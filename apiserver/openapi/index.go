package openapi

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/emicklei/go-restful/v3"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/component-base/version"
	"k8s.io/kube-openapi/pkg/handler3"
)

// keepable is how long who asked for a document by its hash may keep it.
const keepable = 365 * 24 * time.Hour

// serveIndex says where the documents of version 3 are.
func (d *documents) serveIndex(w http.ResponseWriter, r *http.Request) {
	index := handler3.OpenAPIV3Discovery{Paths: map[string]handler3.OpenAPIV3DiscoveryGroupVersion{}}
	for _, service := range d.container.RegisteredWebServices() {
		group := strings.TrimPrefix(service.RootPath(), "/")
		index.Paths[group] = handler3.OpenAPIV3DiscoveryGroupVersion{ServerRelativeURL: d.url(group)}
	}
	data, err := json.Marshal(index)
	if err != nil {
		http.Error(w, fmt.Sprintf("encoding the list of OpenAPI documents: %v", err), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Etag", `"`+d.hash()+`"`)
	w.Header().Set("Content-Type", "application/json")
	http.ServeContent(w, r, v3Path, time.Time{}, bytes.NewReader(data))
}

// url is where the document of an API version is, with the hash by which it may be kept.
func (d *documents) url(group string) string {
	return (&url.URL{Path: v3Path + "/" + group, RawQuery: url.Values{"hash": {d.hash()}}.Encode()}).String()
}

// serveV3 serves the document of one API version. Who asks by its hash may keep it; who asks by another is sent on.
func (d *documents) serveV3(w http.ResponseWriter, r *http.Request) {
	group := strings.TrimPrefix(r.URL.Path, v3Path+"/")
	service := d.service(group)
	if service == nil {
		http.NotFound(w, r)
		return
	}
	if hash := r.URL.Query().Get("hash"); hash != "" {
		if hash != d.hash() {
			http.Redirect(w, r, d.url(group), http.StatusMovedPermanently)
			return
		}
		w.Header().Set("Cache-Control", "public, immutable")
		w.Header().Set("Expires", time.Now().Add(keepable).UTC().Format(http.TimeFormat))
		r = r.Clone(r.Context())
		r.URL.RawQuery = ""
	}
	d.serve(w, r, group, func() (http.Handler, error) { return d.buildV3(service) })
}

// service has the routes of an API version such as "apis/apps/v1".
func (d *documents) service(group string) *restful.WebService {
	all := d.container.RegisteredWebServices()
	i := slices.IndexFunc(all, func(s *restful.WebService) bool { return s.RootPath() == "/"+group })
	if i < 0 {
		return nil
	}
	return all[i]
}

// sum is the hash of what the documents are made from.
func (d *documents) sum() string {
	var made []string
	for _, service := range d.container.RegisteredWebServices() {
		for _, route := range service.Routes() {
			made = append(made, route.Method+" "+route.Path)
		}
	}
	slices.Sort(made)
	made = append(made, version.Get().GitVersion, fmt.Sprint(utilfeature.DefaultFeatureGate))
	sum := sha256.Sum256([]byte(strings.Join(made, "\n")))
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}
