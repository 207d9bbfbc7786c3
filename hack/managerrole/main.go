package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/orrery-dev/orrery/controllers"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// roles are what is written: a file, the name of the role in it, and the packages whose markers it is made of.
var roles = []struct {
	file, name string
	packages   []string
}{
	{"rbac/role.yaml", "manager-role", rooms(controllers.OurKinds)},
	{"rbac/scheduler_role.yaml", "scheduler-role", []string{"./scheduler/..."}},
	{"cluster-loops/role.yaml", "cluster-loops-role", rooms(controllers.ClusterKinds)},
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "managerrole: want one argument, the folder config")
		os.Exit(2)
	}
	if err := write(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "managerrole:", err)
		os.Exit(1)
	}
}

// rooms are the packages of the loops of a scope.
func rooms(scope controllers.Scope) []string {
	var packages []string
	for _, e := range controllers.Within(scope, controllers.All(controllers.Options{})) {
		packages = append(packages, "./controllers/"+e.Room)
	}
	return packages
}

// write writes the roles below a folder. The packages are those of the module in the current directory.
func write(folder string) error {
	for _, role := range roles {
		marked, err := markedRules(role.packages)
		if err != nil {
			return fmt.Errorf("reading the markers for %s: %w", role.file, err)
		}
		out, err := yaml.Marshal(rbacv1.ClusterRole{
			TypeMeta:   metav1.TypeMeta{APIVersion: rbacv1.SchemeGroupVersion.String(), Kind: "ClusterRole"},
			ObjectMeta: metav1.ObjectMeta{Name: role.name},
			Rules:      merge(renamed(marked)),
		})
		if err != nil {
			return fmt.Errorf("writing %s: %w", role.file, err)
		}
		if err := os.WriteFile(filepath.Join(folder, role.file), append([]byte("---\n"), out...), 0o644); err != nil {
			return err
		}
	}
	return nil
}
