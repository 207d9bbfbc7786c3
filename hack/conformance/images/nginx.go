package images

import v1 "github.com/google/go-containerregistry/pkg/v1"

// nginxConf lays the server out as the usual image does: pages below /usr/share/nginx/html, and logs to where `kubectl logs` reads.
const nginxConf = `user www-data; worker_processes 1; pid /run/nginx.pid; error_log /dev/stderr notice;
events { worker_connections 1024; }
http {
  include /etc/nginx/mime.types; default_type application/octet-stream; access_log /dev/stdout;
  server { listen 80; server_name localhost; location / { root /usr/share/nginx/html; index index.html; } }
}
`

const nginxPage = `<!DOCTYPE html>
<html>
<head>
<title>Welcome to nginx!</title>
</head>
<body>
<h1>Welcome to nginx!</h1>
<p>Thank you for using nginx.</p>
</body>
</html>
`

func nginx() (v1.Layer, error) {
	return layer(
		text("etc/nginx/nginx.conf", nginxConf), directory("usr/share/nginx/html", 0o755), text("usr/share/nginx/html/index.html", nginxPage),
		directory("var/log/nginx", 0o755),
	)
}
