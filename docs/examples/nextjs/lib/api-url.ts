/** Where the Python service is, which continues the traces of this application. */
export const apiUrl = process.env.SKILLS_API_URL ?? "http://127.0.0.1:8000";
