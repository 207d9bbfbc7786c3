package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/orrery-dev/orrery/internal/cli/printer"
	"github.com/orrery-dev/orrery/internal/cli/report"
	"github.com/orrery-dev/orrery/storage/explain"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/kubernetes"
)

// storageKinds are the words for claims and volumes, and what kind each means.
var storageKinds = map[string]string{
	"pvc": claimKind, "persistentvolumeclaim": claimKind, "persistentvolumeclaims": claimKind,
	"pv": volumeKind, "persistentvolume": volumeKind, "persistentvolumes": volumeKind,
}

const (
	claimKind  = "PersistentVolumeClaim"
	volumeKind = "PersistentVolume"
)

// storageKind is the kind of a claim or a volume that an argument names, and its name; ok is false for anything else.
func storageKind(argument string) (kind, name string, ok bool) {
	word, name, ok := strings.Cut(argument, "/")
	kind = storageKinds[strings.ToLower(word)]
	return kind, name, ok && kind != "" && name != ""
}

// explainStorage says how a claim or a volume stands.
func (f *foresight) explainStorage(ctx context.Context, out io.Writer, t *target, kind, namespace, name string) error {
	cluster, err := f.access.cluster(t)
	if err != nil {
		return err
	}
	api, err := kubernetes.NewForConfig(cluster.Config)
	if err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	told := report.Stored{Kind: kind, Name: name}
	var world explain.World
	if kind == claimKind {
		told.Name = namespace + "/" + name
		world, err = explain.ReadClaim(ctx, api, namespace, name)
	} else {
		world, err = explain.ReadVolume(ctx, api, name)
	}
	switch {
	case apierrors.IsNotFound(err):
		return fmt.Errorf("there is no %s %s", kind, told.Name)
	case err != nil:
		return err
	case kind == claimKind:
		told.Explanation = explain.Claim(world)
	default:
		told.Explanation = explain.Volume(world)
	}
	return printer.Prose(out, f.output, told, func(out io.Writer) error { return report.Storage(out, told) })
}
