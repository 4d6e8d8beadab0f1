// The English words of the page.

export default {
  title: "tinygan lab",
  intro: "G turns noise into points; D says which points are real. Each learns from the other.",
};
