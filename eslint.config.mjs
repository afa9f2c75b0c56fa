// The browser side: live models and the page's own script.
import js from '@eslint/js';
import globals from 'globals';

export default [
  {ignores: ['**/ort/', '_*/', 'walkdl/']},
  js.configs.recommended,
  {
    files: ['nbs/**/*.js'],
    languageOptions: {globals: globals.browser},
    rules: {
      eqeqeq: ['error', 'smart'],
      'no-var': 'error',
      'prefer-const': ['error', {destructuring: 'all'}],
    },
  },
];
