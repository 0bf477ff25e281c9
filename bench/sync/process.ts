/** A process of the benchmark of sync. */
import { serve } from '../remote.ts'
import { SyncSide } from './side.ts'

serve(() => new SyncSide())
