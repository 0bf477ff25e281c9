import { ROLES, type Role } from './types.ts'

export function rankOf(role: Role): number {
  return ROLES.indexOf(role)
}

export function isAtLeast(role: Role | undefined, needed: Role): boolean {
  return role !== undefined && rankOf(role) >= rankOf(needed)
}

export function lowerOf<T extends Role>(a: T, b: Role): T | Role {
  return rankOf(b) < rankOf(a) ? b : a
}
