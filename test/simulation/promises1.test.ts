import { crashes } from "./suite.ts"

crashes()
