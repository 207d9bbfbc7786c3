package images

import (
	"fmt"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	upstream "k8s.io/kubernetes/test/utils/image"

	"github.com/orrery-dev/orrery/hack/conformance/programs"
)

// recipe is one image: upstream's, by whatever names the suite asks for it, what it is configured to do, and its layers, lowest first.
type recipe struct {
	ids    []upstream.ImageID
	config v1.Config
	layers []v1.Layer
}

// layers are what images are made of; several share one.
type layers struct {
	debian, busybox, pause, agnhost, kitten, nautilus, nginx, nnp, issue74839, sampleAPIServer, etcd v1.Layer
}

func (b Builder) layers() (l layers, err error) {
	for _, part := range []struct {
		name string
		into *v1.Layer
		make func() (v1.Layer, error)
	}{
		{"Debian", &l.debian, func() (v1.Layer, error) { return tarball.LayerFromFile(b.debianLayer()) }},
		{"busybox", &l.busybox, b.busybox},
		{"pause", &l.pause, func() (v1.Layer, error) { return b.only(programs.Pause, "pause", 0o755) }},
		{"agnhost", &l.agnhost, func() (v1.Layer, error) { return b.agnhost(l.pause) }},
		{"kitten", &l.kitten, func() (v1.Layer, error) { return b.html("kitten") }},
		{"nautilus", &l.nautilus, func() (v1.Layer, error) { return b.html("nautilus") }},
		{"nginx", &l.nginx, nginx},
		// It looks whether a program that is setuid can be kept from being it.
		{"nonewprivs", &l.nnp, func() (v1.Layer, error) { return b.only(programs.NoNewPrivs, "usr/local/bin/nnp", 0o6755) }},
		{"issue 74839", &l.issue74839, func() (v1.Layer, error) { return b.only(programs.Issue74839, "regression-issue-74839", 0o755) }},
		{"sample-apiserver", &l.sampleAPIServer, func() (v1.Layer, error) { return b.only(programs.SampleAPIServer, "sample-apiserver", 0o755) }},
		{"etcd", &l.etcd, func() (v1.Layer, error) { return b.only(programs.Etcd, "usr/local/bin/etcd", 0o755) }},
	} {
		if *part.into, err = part.make(); err != nil {
			return l, fmt.Errorf("making the layer of %s: %w", part.name, err)
		}
	}
	return l, nil
}

// only is a layer with one program, and a directory for what it writes.
func (b Builder) only(program, at string, mode int64) (v1.Layer, error) {
	content, err := b.program(program)
	if err != nil {
		return nil, err
	}
	return layer(directory("tmp", 0o1777), regular(at, mode, content))
}

// recipes are all images. What Config holds is what upstream's Dockerfiles say, below test/images.
func recipes(l layers) []recipe {
	ports := func(list ...string) map[string]struct{} {
		set := map[string]struct{}{}
		for _, port := range list {
			set[port+"/tcp"] = struct{}{}
		}
		return set
	}
	agnhost := v1.Config{Entrypoint: []string{"/agnhost"}, Cmd: []string{"pause"}, ExposedPorts: ports("80", "8080", "8081", "9376", "5000")}
	website := agnhost
	website.Cmd = []string{"test-webserver"}
	server := v1.Config{Cmd: []string{"nginx", "-g", "daemon off;"}, ExposedPorts: ports("80")}
	newer := server
	newer.Labels = map[string]string{"version": "newer"} // so that it is another image
	shell := v1.Config{Cmd: []string{"bash"}}
	stranger := shell
	stranger.User = "1234"

	return []recipe{
		{[]upstream.ImageID{upstream.Pause}, v1.Config{Entrypoint: []string{"/pause"}, User: "65535:65535"}, []v1.Layer{l.pause}},
		{[]upstream.ImageID{upstream.BusyBox}, v1.Config{Cmd: []string{"sh"}}, []v1.Layer{l.busybox}},
		{[]upstream.ImageID{upstream.Agnhost, upstream.AgnhostPrev}, agnhost, []v1.Layer{l.debian, l.agnhost}},
		{[]upstream.ImageID{upstream.Kitten}, website, []v1.Layer{l.debian, l.agnhost, l.kitten}},
		{[]upstream.ImageID{upstream.Nautilus}, website, []v1.Layer{l.debian, l.agnhost, l.nautilus}},
		{[]upstream.ImageID{upstream.Nginx}, server, []v1.Layer{l.debian, l.nginx}},
		{[]upstream.ImageID{upstream.NginxNew}, newer, []v1.Layer{l.debian, l.nginx}},
		{[]upstream.ImageID{upstream.Perl}, v1.Config{Cmd: []string{"perl", "-de0"}}, []v1.Layer{l.debian}},
		{[]upstream.ImageID{upstream.GlibcDnsTesting, upstream.IpcUtils}, shell, []v1.Layer{l.debian}},
		{[]upstream.ImageID{upstream.NonRoot}, stranger, []v1.Layer{l.debian}},
		{[]upstream.ImageID{upstream.Nonewprivs}, v1.Config{Cmd: []string{"nnp"}}, []v1.Layer{l.debian, l.nnp}},
		{[]upstream.ImageID{upstream.RegressionIssue74839}, v1.Config{Entrypoint: []string{"/regression-issue-74839"}}, []v1.Layer{l.issue74839}},
		{[]upstream.ImageID{upstream.APIServer}, v1.Config{Entrypoint: []string{"/sample-apiserver"}}, []v1.Layer{l.sampleAPIServer}},
		{[]upstream.ImageID{upstream.Etcd}, v1.Config{}, []v1.Layer{l.debian, l.etcd}},
	}
}

// all makes every image, by its full names.
func (b Builder) all() (map[name.Reference]v1.Image, error) {
	l, err := b.layers()
	if err != nil {
		return nil, err
	}
	images := map[name.Reference]v1.Image{}
	for _, r := range recipes(l) {
		image, err := assemble(r.config, r.layers...)
		if err != nil {
			return nil, fmt.Errorf("making image %s: %w", upstream.GetE2EImage(r.ids[0]), err)
		}
		for _, id := range r.ids {
			tag, err := name.NewTag(upstream.GetE2EImage(id), name.StrictValidation)
			if err != nil {
				return nil, fmt.Errorf("naming an image: %w", err)
			}
			images[tag] = image
		}
	}
	return images, nil
}
