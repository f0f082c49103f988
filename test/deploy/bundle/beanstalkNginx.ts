/**
 * The files of /etc/nginx/ on an instance of the Python platform: Beanstalk's own, and those of the bundle's
 * .platform/nginx over them.
 *
 * @see https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/platforms-linux-extend.proxy.html
 */
export function beanstalkNginx(own: Readonly<Record<string, string>> = {}): Record<string, string> {
  return {
    // As on Amazon Linux 2 and 2023; the directives of the server block stand before the include.
    "nginx.conf": `user nginx;
error_log /var/log/nginx/error.log warn;
pid /var/run/nginx.pid;
events { worker_connections 1024; }
http {
  server_tokens off;
  include /etc/nginx/mime.types;
  default_type application/octet-stream;
  log_format main '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent';
  include conf.d/*.conf;
  map $http_upgrade $connection_upgrade { default "upgrade"; }
  server {
    listen 80 default_server;
    access_log /var/log/nginx/access.log main;
    client_header_timeout 60;
    client_body_timeout 60;
    keepalive_timeout 60;
    gzip off;
    gzip_comp_level 4;
    gzip_types text/plain text/css application/json application/javascript;
    include conf.d/elasticbeanstalk/*.conf;
  }
}
`,
    "conf.d/healthd_logformat.conf": `log_format healthd '$msec"$uri"$status"$request_time"$upstream_response_time"$http_x_forwarded_for';\n`,
    "conf.d/elasticbeanstalk/healthd.conf": `if ($time_iso8601 ~ "^(\\d{4})-(\\d{2})-(\\d{2})T(\\d{2})") {
  set $year $1;
  set $month $2;
  set $day $3;
  set $hour $4;
}
access_log /var/log/nginx/healthd/application.log.$year-$month-$day-$hour healthd;
`,
    "conf.d/elasticbeanstalk/00_application.conf": `location / {
  proxy_pass http://127.0.0.1:8000;
  proxy_http_version 1.1;
  proxy_set_header Connection $connection_upgrade;
  proxy_set_header Upgrade $http_upgrade;
  proxy_set_header Host $host;
  proxy_set_header X-Real-IP $remote_addr;
  proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
}
`,
    ...own,
  };
}
