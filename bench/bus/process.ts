/** A process of a benchmark: does what the one that started it says, and ends with it. */
import { serve } from '../remote.ts'
import { Side } from './side.ts'

serve((tell) => new Side(tell))
