// Makes what CI has NumPy check of augmentation. Not a test by itself:
//   node build/test/python/make-augmented.js FOLDER      then      check_augmentation.py FOLDER/augmentation.json

import fs from "node:fs";
import { writeCases } from "../augment/numpy-cases.js";

const [folder = "build/augmented-for-python"] = process.argv.slice(2);
fs.mkdirSync(folder, { recursive: true });
console.log(await writeCases(folder));
