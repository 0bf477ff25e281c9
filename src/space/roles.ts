import { ROLES, type Role } from './types.ts'

export function rankOf(role: Role): number {
  return ROLES.indexOf(role)
}

export function isAtLeast(role: Role | undefined, needed: Role): boolean {
  return role !== undefined && rankOf(role) >= rankOf(needed)
}

export function lowerOf(a: Role, b: Role): Role {
  return rankOf(b) < rankOf(a) ? b : a
}

export function highestOf(roles: readonly Role[]): Role {
  return roles.reduce((best, role) => (rankOf(role) > rankOf(best) ? role : best), ROLES[0])
}
