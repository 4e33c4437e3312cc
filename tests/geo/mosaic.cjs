// Cut polygons into the pieces of their mosaic with mapshaper: a GeoJSON on standard input, the pieces on standard
// output, each with the codes of the polygons that have it. Usage: node mosaic.cjs FOLDER-OF-MAPSHAPER
const fs = require('fs');
const Module = require('module');
const path = require('path');

const folder = path.resolve(process.argv[2]);
// The package's bundle for browsers has every other package that it needs.
const bundle = {};
new Function('window', fs.readFileSync(path.join(folder, 'www', 'modules.js'), 'utf8'))(bundle);
const load = Module._load;
Module._load = (name, ...rest) => bundle.modules[name] ?? load.call(Module, name, ...rest);
const mapshaper = require(path.join(folder, 'mapshaper.js'));

const areas = fs.readFileSync(0, 'utf8');
mapshaper
    .applyCommands("-i areas.json -mosaic calc='codes=collect(code)' -o pieces.json", { 'areas.json': areas })
    .then((files) => process.stdout.write(files['pieces.json']));
