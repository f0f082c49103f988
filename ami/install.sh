# shellcheck shell=bash disable=SC2153,SC2154 # the table before it sets STEPS and others
# Body of the script that builds the libraries. ami/installScript.ts puts the table before it and the calls after it.
#
# Settings, all optional, by environment variable:
#   PREFIX       where to install; /usr/local
#   WORK_DIR     where to unpack and build; /var/tmp/iaso-gdal
#   SOURCE_DIR   a folder with the source archives, instead of the network
#   CONSOLE      a file that gets the marked progress lines as well; the image build reads /dev/console
#   JOBS         how many compilers run at once; as many as there are processors
#   SKIP_PACKAGES  1 where the packages are installed already
set -Eeuo pipefail
PREFIX="${PREFIX:-/usr/local}"
WORK_DIR="${WORK_DIR:-/var/tmp/iaso-gdal}"
SOURCE_DIR="${SOURCE_DIR:-}"
CONSOLE="${CONSOLE:-/dev/null}"
JOBS="${JOBS:-$(nproc)}"
STEP=0
LINE=0
ENDED=0

# One marked line: all that the image build sees of the builder. Lines are numbered, as the console shows them twice
# (cloud-init repeats what its scripts print) and forgets the oldest ones.
say() {
  LINE=$((LINE + 1))
  echo "IASO-AMI $LINE $*"
  echo "IASO-AMI $LINE $*" >>"$CONSOLE" 2>/dev/null || true
}

# A script that ends outside a step, on a full disk for example, must not leave the image build waiting.
on_exit() {
  local code=$?
  [ "$ENDED" = 1 ] || say "failed script exit $code after ${SECONDS}s"
}
trap on_exit EXIT
trap 'exit 143' TERM

# step NAME COMMAND...: runs one step with a log of its own, and stops everything when it fails.
step() {
  local name="$1" started="$SECONDS" code=0 line
  shift
  STEP=$((STEP + 1))
  say "step $STEP/$STEPS $name start"
  # Not `if ! ( ... )`: bash ignores `set -e` inside a tested command, and a failed make would go unseen.
  set +e
  (
    set -e
    "$@"
  ) >"$WORK_DIR/$name.log" 2>&1
  code=$?
  set -e
  if [ "$code" -ne 0 ]; then
    # Not a pipe into the loop, whose line numbers would be lost with its subshell.
    while IFS= read -r line; do say "log $line"; done < <(tail -n 40 "$WORK_DIR/$name.log" | cut -c1-200)
    ENDED=1
    say "failed $name exit $code after $((SECONDS - started))s"
    exit "$code"
  fi
  say "step $STEP/$STEPS $name done $((SECONDS - started))s"
}

# fetch SHA256 FILE URL...: the archive from the folder of sources or the first URL that gives the right bytes.
fetch() {
  local sum="$1" file="$2" url
  shift 2
  if [ -n "$SOURCE_DIR" ]; then
    cp "$SOURCE_DIR/$file" "$WORK_DIR/$file"
    verify "$sum" "$file"
    return
  fi
  for url in "$@"; do
    echo "downloading $url"
    if curl --fail --silent --show-error --location --proto '=https' --retry 3 --connect-timeout 20 \
      --max-time 900 --output "$WORK_DIR/$file" "$url" && verify "$sum" "$file"; then
      return
    fi
  done
  echo "no source gave $file with SHA-256 $sum"
  return 1
}

# Nothing is unpacked that has not the checksum of the table.
verify() {
  local sum="$1" file="$2" actual
  actual="$(sha256sum "$WORK_DIR/$file" | cut -d' ' -f1)"
  [ "$actual" = "$sum" ] && return
  rm -f "$WORK_DIR/$file"
  echo "REFUSED $file: SHA-256 is $actual, the recipe says $sum"
  return 1
}

unpack() {
  rm -rf "${WORK_DIR:?}/$1"
  mkdir -p "$WORK_DIR/$1"
  tar -xf "$WORK_DIR/$2" -C "$WORK_DIR/$1" --strip-components=1
  cd "$WORK_DIR/$1"
}

# [PREPARE=COMMAND] build_cmake|build_configure|build_grids NAME SHA256 FILE "URL..." FLAG...
build_cmake() {
  local name="$1" sum="$2" file="$3" urls="$4"
  shift 4
  # shellcheck disable=SC2086 # the URLs are words
  fetch "$sum" "$file" $urls
  unpack "$name" "$file"
  [ -z "${PREPARE:-}" ] || bash -ec "$PREPARE"
  cmake -S . -B build -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX="$PREFIX" -DCMAKE_INSTALL_LIBDIR=lib \
    -DCMAKE_PREFIX_PATH="$PREFIX" -DCMAKE_INSTALL_RPATH="$PREFIX/lib" "$@"
  cmake --build build --parallel "$JOBS"
  cmake --install build
}

build_configure() {
  local name="$1" sum="$2" file="$3" urls="$4"
  shift 4
  # shellcheck disable=SC2086 # the URLs are words
  fetch "$sum" "$file" $urls
  unpack "$name" "$file"
  # C++ is named because SpatiaLite links GEOS and PROJ, which are C++.
  ./configure --prefix="$PREFIX" --libdir="$PREFIX/lib" "$@" \
    CFLAGS=-O2 CPPFLAGS="-I$PREFIX/include" LDFLAGS="-L$PREFIX/lib -Wl,-rpath,$PREFIX/lib"
  make -j "$JOBS"
  make install
}

# The datum grids travel in a shell archive inside Debian's packaging of PROJ.
build_grids() {
  local name="$1" sum="$2" file="$3" urls="$4"
  shift 4
  # shellcheck disable=SC2086 # the URLs are words
  fetch "$sum" "$file" $urls
  unpack "$name" "$file"
  python3 "$WORK_DIR/unshar.py" datumgrids.shar "$PREFIX/share/proj" "$@"
}

write_unshar() {
  cat >"$WORK_DIR/unshar.py" <<'PYTHON'
"""Takes named files out of a GNU shell archive (uuencoded xz) without running it."""
import binascii, lzma, os, re, sys

archive, target, *wanted = sys.argv[1:]
os.makedirs(target, exist_ok=True)
name, data, inside, missing = None, b"", False, set(wanted)
for line in open(archive, "rb"):
    line = line.rstrip(b"\n")
    header = re.match(rb"# ============= (\S+) =", line)
    if header:
        name = header.group(1).decode()
    elif line.startswith(b"begin 600 "):
        data, inside = b"", True
    elif line == b"end" and inside:
        inside = False
        if name in missing:
            with open(os.path.join(target, name), "wb") as out:
                out.write(lzma.decompress(data))
            missing.discard(name)
    elif inside:
        # The archive puts an X before lines that a shell or mail program might take for its own.
        line = line[1:] if line.startswith(b"X") else line
        # The last line is padded with rubbish to a multiple of four, which binascii refuses.
        data += binascii.a2b_uu(line[: 1 + (((line[0] - 32) & 63) * 8 + 5) // 6])
if missing:
    sys.exit("not in the archive: " + ", ".join(sorted(missing)))
PYTHON
}

install_packages() {
  if [ "${SKIP_PACKAGES:-}" = 1 ]; then
    echo "packages are installed already"
  elif command -v dnf; then
    # shellcheck disable=SC2086 # the packages are words
    dnf install -y --setopt=install_weak_deps=False $DNF_PACKAGES
  else
    # shellcheck disable=SC2086 # the packages are words
    apt-get install -y --no-install-recommends $APT_PACKAGES
  fi
}

refresh_linker() {
  if [ "$PREFIX" = /usr/local ]; then
    echo /usr/local/lib >/etc/ld.so.conf.d/iaso-gdal.conf
    ldconfig
  else
    ldconfig -n "$PREFIX/lib"
  fi
}

# What Iaso does with the libraries, done once with what was just built.
self_test() {
  local test_dir="$WORK_DIR/self-test" plain shifted
  rm -rf "$test_dir"
  mkdir -p "$test_dir"
  cd "$test_dir"
  export PATH="$PREFIX/bin:$PATH"
  export PROJ_DATA="$PREFIX/share/proj" GDAL_DATA="$PREFIX/share/gdal"
  [ "$PREFIX" = /usr/local ] || export LD_LIBRARY_PATH="$PREFIX/lib"

  gdalinfo --version | grep -F "GDAL $GDAL_VERSION"
  gdalinfo --formats >formats
  ogrinfo --formats >>formats
  local driver
  for driver in $EXPECTED_DRIVERS; do
    grep -E "^ *$driver -" formats || { echo "driver $driver is missing"; return 1; }
  done

  printf 'name,WKT\nKinshasa,POINT (15.3 -4.3)\nBrussels,POINT (4.35 50.85)\n' >places.csv
  ogr2ogr -f GPKG places.gpkg places.csv -oo GEOM_POSSIBLE_NAMES=WKT -a_srs EPSG:4326 -nln places
  ogrinfo -al places.gpkg | tee places.txt
  grep -F "Feature Count: 2" places.txt
  grep -F "POINT (15.3 -4.3)" places.txt
  ogr2ogr -f "ESRI Shapefile" places.shp places.gpkg
  ogr2ogr -f GeoJSON -t_srs EPSG:3857 places.geojson places.gpkg
  grep -F '"Kinshasa"' places.geojson
  ogr2ogr -f KML places.kml places.gpkg
  ogrinfo -al places.kml | grep -F "Feature Count: 2"
  gdal_rasterize -q -burn 1 -ot Byte -tr 0.5 0.5 -te 0 -10 20 60 -at places.shp places.tif
  gdalinfo -stats places.tif | grep -F "STATISTICS_MAXIMUM=1"

  # The grid must move the point: PROJ leaves it where it is when a grid is optional and missing.
  plain="$(echo 9 51 | cs2cs -f %.6f +proj=longlat +ellps=bessel +towgs84=0,0,0 +to +proj=longlat +ellps=bessel +towgs84=0,0,0)"
  shifted="$(echo 9 51 | cs2cs -f %.6f +proj=longlat +ellps=bessel +nadgrids=BETA2007.gsb +to +proj=longlat +datum=WGS84)"
  echo "without grid: $plain; with grid: $shifted"
  case "$shifted" in 8.999* | 8.998*) ;; *) echo "the grid BETA2007.gsb was not applied"; return 1 ;; esac

  "$PREFIX/bin/sqlite3" -batch places.sqlite <<SQL | tee spatialite.txt
.load $PREFIX/lib/mod_spatialite
select 'area', cast(ST_Area(ST_Buffer(MakePoint(0, 0), 1)) * 10 as integer);
select 'metadata', InitSpatialMetaData(1);
select 'lon', round(ST_X(ST_Transform(MakePoint(111319.490793, 0, 3857), 4326)), 4);
SQL
  grep -Fx "metadata|1" spatialite.txt
  grep -Fx "area|31" spatialite.txt
  grep -Fx "lon|1.0" spatialite.txt

  # Django's compilemessages runs it.
  printf 'msgid "yes"\nmsgstr "oui"\n' | msgfmt --check-format --output-file=messages.mo -
  # The Python of the application. Debian, where the script is tested, has another.
  if command -v dnf; then /usr/bin/python3.9 -m venv python && python/bin/python -m pip --version; fi

  python3 - <<'PYTHON'
import ctypes, ctypes.util
for name in ("gdal", "geos_c"):
    found = ctypes.util.find_library(name)
    assert found, "ctypes does not find lib" + name
    library = ctypes.CDLL(found)
    if name == "gdal":
        library.GDALVersionInfo.restype = ctypes.c_char_p
        print(found, library.GDALVersionInfo(b"RELEASE_NAME").decode())
    else:
        library.GEOSversion.restype = ctypes.c_char_p
        print(found, library.GEOSversion().decode())
PYTHON
}

# The image keeps the libraries and the logs, not the sources.
clean_up() {
  find "$WORK_DIR" -mindepth 1 -maxdepth 1 ! -name '*.log' -exec rm -rf {} +
}

mkdir -p "$WORK_DIR" "$PREFIX/bin" "$PREFIX/lib"
cd "$WORK_DIR"
write_unshar
export PATH="$PREFIX/bin:$PATH"
export PKG_CONFIG_PATH="$PREFIX/lib/pkgconfig:$PREFIX/lib64/pkgconfig"
step packages install_packages
