import { UserError } from "../cli/userError";

/** One library of the image: its version, the source of its archive, and its build. */
export interface Library {
  name: string;
  version: string;
  /** File name of the source archive, also in a folder of sources (`SOURCE_DIR`). */
  file: string;
  /** SHA-256 of the archive, the same at every URL. */
  sha256: string;
  /** URLs of the archive. The first one with the right bytes is used. */
  urls: string[];
  /** Builds with CMake, or with `configure` and make, or extracts grid files from an archive. */
  build: "cmake" | "configure" | "grids";
  /** Flags of the build, in which `$PREFIX` is expanded; the names of the files for `grids`. */
  flags: string[];
  /** A shell command to run in the unpacked source before CMake. */
  prepare?: string;
  /** The origin of the archive, and who publishes its checksum. */
  origin: string;
}

/** The libraries in the order in which they are built, and the drivers of GDAL. */
export interface Recipe {
  libraries: Library[];
  /** GDAL drivers in addition to those that GDAL always builds (GTiff, VRT, Memory, GeoJSON, Shapefile). */
  drivers: Driver[];
}

/** An optional GDAL driver: its CMake option and its name in GDAL's list of formats. */
export interface Driver {
  cmake: string;
  name: string;
}

const POOL = "https://deb.debian.org/debian/pool/main";

const LIBRARIES: Library[] = [
  {
    name: "geos",
    version: "3.11.1",
    file: "geos_3.11.1.orig.tar.bz2",
    sha256: "6d0eb3cfa9f92d947731cc75f1750356b3bdfc07ea020553daf6af1c768e0be2",
    urls: [`${POOL}/g/geos/geos_3.11.1.orig.tar.bz2`, "https://download.osgeo.org/geos/geos-3.11.1.tar.bz2"],
    build: "cmake",
    flags: ["-DBUILD_TESTING=OFF", "-DBUILD_BENCHMARKS=OFF", "-DBUILD_GEOSOP=OFF"],
    origin:
      "Debian's copy, byte for byte upstream's: Homebrew, Spack and MXE publish this sum for upstream's URL",
  },
  {
    name: "sqlite",
    version: "3.40.1",
    file: "sqlite3_3.40.1.orig.tar.xz",
    sha256: "aaa776260ab4dc976db34aa7891819484c8676b5b2783123ebc6301e2ca5d655",
    urls: [`${POOL}/s/sqlite3/sqlite3_3.40.1.orig.tar.xz`],
    build: "configure",
    flags: ["--disable-tcl", "--disable-static", "--enable-rtree", "--enable-fts5"],
    origin: "Debian's repacking of upstream's source tree: not the bytes of upstream's autoconf archive",
  },
  {
    name: "proj",
    version: "9.1.1",
    file: "proj_9.1.1.orig.tar.gz",
    sha256: "003cd4010e52bb5eb8f7de1c143753aa830c8902b6ed01209f294846e40e6d39",
    urls: [`${POOL}/p/proj/proj_9.1.1.orig.tar.gz`, "https://download.osgeo.org/proj/proj-9.1.1.tar.gz"],
    build: "cmake",
    flags: [
      "-DBUILD_TESTING=OFF",
      "-DENABLE_CURL=OFF",
      "-DBUILD_PROJSYNC=OFF",
      "-DBUILD_CCT=OFF",
      "-DBUILD_GIE=OFF",
    ],
    origin:
      "Debian's copy, byte for byte upstream's: Homebrew, Spack and MXE publish this sum for upstream's URL",
  },
  {
    name: "proj-data",
    version: "1.8",
    file: "proj_9.1.1-1.debian.tar.xz",
    sha256: "bd47d5a1da1c5d7907dfcd8ff1a51929645249320b0a22add57843fa21d1bd29",
    urls: [`${POOL}/p/proj/proj_9.1.1-1.debian.tar.xz`],
    build: "grids",
    flags: [
      "BETA2007.gsb",
      "conus",
      "alaska",
      "hawaii",
      "egm96_15.gtx",
      "ntf_r93.gsb",
      "ntv1_can.dat",
      "null",
    ],
    origin:
      "Debian's packaging of PROJ, which carries the public-domain grids of upstream's proj-datumgrid 1.8",
  },
  {
    name: "spatialite",
    version: "5.1.0",
    file: "spatialite_5.1.0.orig.tar.gz",
    sha256: "43be2dd349daffe016dd1400c5d11285828c22fea35ca5109f21f3ed50605080",
    urls: [
      `${POOL}/s/spatialite/spatialite_5.1.0.orig.tar.gz`,
      "https://www.gaia-gis.it/gaia-sins/libspatialite-sources/libspatialite-5.1.0.tar.gz",
    ],
    build: "configure",
    flags: [
      "--disable-static",
      "--enable-freexl=no",
      "--enable-rttopo=no",
      "--enable-minizip=no",
      "--enable-libxml2=no",
      "--disable-examples",
      "--with-geosconfig=$PREFIX/bin/geos-config",
    ],
    origin: "Debian's copy, byte for byte upstream's: Spack publishes this sum for upstream's URL",
  },
  {
    name: "gdal",
    version: "3.6.2",
    file: "gdal_3.6.2+dfsg.orig.tar.xz",
    sha256: "033e50bb87874f99dbf29bde3e78af1b5f67dc358389b3cc892a5d34019eab81",
    urls: [`${POOL}/g/gdal/gdal_3.6.2%2bdfsg.orig.tar.xz`],
    build: "cmake",
    // Debian omits these two files because of their licence, but the list of files to install still names them.
    prepare: "sed -i -e '/cubewerx_extra.wkt/d' -e '/ecw_cs.wkt/d' gdal.cmake",
    flags: [
      "-DBUILD_TESTING=OFF",
      "-DBUILD_PYTHON_BINDINGS=OFF",
      "-DBUILD_JAVA_BINDINGS=OFF",
      "-DBUILD_CSHARP_BINDINGS=OFF",
      "-DGDAL_BUILD_OPTIONAL_DRIVERS=OFF",
      "-DOGR_BUILD_OPTIONAL_DRIVERS=OFF",
      "-DGDAL_USE_EXTERNAL_LIBS=OFF",
      "-DGDAL_USE_INTERNAL_LIBS=ON",
      "-DGDAL_USE_GEOS=ON",
      "-DGDAL_USE_SQLITE3=ON",
      "-DGDAL_USE_SPATIALITE=ON",
      "-DGDAL_USE_EXPAT=ON",
      "-DGDAL_USE_TIFF=ON",
      "-DGDAL_USE_ZLIB=ON",
      "-DGDAL_USE_JSONC=ON",
    ],
    origin:
      "Debian's repacking (+dfsg: files of unclear licence left out): not the bytes of upstream's archive",
  },
];

/** The optional drivers that Iaso needs. */
const DRIVERS: Driver[] = [
  { cmake: "OGR_ENABLE_DRIVER_GPKG", name: "GPKG" },
  { cmake: "OGR_ENABLE_DRIVER_SQLITE", name: "SQLite" },
  { cmake: "OGR_ENABLE_DRIVER_CSV", name: "CSV" },
  { cmake: "OGR_ENABLE_DRIVER_KML", name: "KML" },
];

/** Drivers that the user can add; they need no further library. */
const MORE_DRIVERS: Driver[] = [
  { cmake: "OGR_ENABLE_DRIVER_DXF", name: "DXF" },
  { cmake: "OGR_ENABLE_DRIVER_FLATGEOBUF", name: "FlatGeobuf" },
  { cmake: "OGR_ENABLE_DRIVER_GML", name: "GML" },
  { cmake: "OGR_ENABLE_DRIVER_GPX", name: "GPX" },
  { cmake: "OGR_ENABLE_DRIVER_ODS", name: "ODS" },
  { cmake: "OGR_ENABLE_DRIVER_OPENFILEGDB", name: "OpenFileGDB" },
  { cmake: "OGR_ENABLE_DRIVER_PGDUMP", name: "PGDUMP" },
  { cmake: "OGR_ENABLE_DRIVER_XLSX", name: "XLSX" },
];

/** The names that the setting `gdalDrivers` and the option `--drivers` accept. */
export const MORE_DRIVER_NAMES = MORE_DRIVERS.map(({ name }) => name);

/** The recipe of Iaso's image. Django 4.2 supports GDAL up to 3.6, GEOS up to 3.11 and PROJ up to 9. */
export const RECIPE: Recipe = { libraries: LIBRARIES, drivers: DRIVERS };

/**
 * The recipe with more drivers. Their order and repetitions make no difference.
 *
 * @throws UserError for an unknown name
 */
export function recipeWith(names: string[]): Recipe {
  const unknown = names.filter((name) => !MORE_DRIVER_NAMES.includes(name));
  if (unknown.length > 0) {
    throw new UserError(
      `Unknown GDAL drivers: ${unknown.join(", ")}.`,
      `Choose from ${MORE_DRIVER_NAMES.join(", ")}, or add one to MORE_DRIVERS in ami/recipe.ts.`,
    );
  }
  return { ...RECIPE, drivers: [...DRIVERS, ...MORE_DRIVERS.filter(({ name }) => names.includes(name))] };
}
